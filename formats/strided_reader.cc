#include "formats/strided_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "formats/byte_order.h"
#include "formats/tensor_layout.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

// Items that do not lie one after the other make a deflated storage be inflated again and again.
constexpr std::uint64_t kMaxScattered = std::uint64_t{64} << 20;

// A stretch of a file.
class FilePart final : public BlockSource {
 public:
  FilePart(const File& file, ByteRange range) : file_(file), range_(range) {}
  std::uint64_t Size() const override { return range_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    const auto end = CheckedAdd(offset, out.size());
    if (!end || *end > range_.size) {
      return Error{Errc::kIo, file_.Name(), "read beyond the end of a storage", range_.offset};
    }
    return file_.Read(range_.offset + offset, out);
  }

 private:
  const File& file_;
  ByteRange range_;
};

// A part of a deflated entry, read through the archive.
class InflatedPart final : public BlockSource {
 public:
  InflatedPart(const ZipArchive& archive, const ZipEntry& entry, ByteRange part)
      : archive_(archive), entry_(entry), part_(part) {}
  std::uint64_t Size() const override { return part_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    return archive_.Read(entry_, part_.offset + offset, out);
  }

 private:
  const ZipArchive& archive_;
  const ZipEntry& entry_;
  ByteRange part_;
};

class StridedReader final : public ModelReader {
 public:
  explicit StridedReader(StridedContents contents) : contents_(std::move(contents)) {
    std::vector<StridedTensor>& tensors = contents_.tensors;
    for (StridedTensor& tensor : tensors) Place(tensor);
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const StridedTensor& a, const StridedTensor& b) {
                       return a.info.stored.offset < b.info.stored.offset;
                     });
    tensors_.reserve(tensors.size());
    for (StridedTensor& tensor : tensors) tensors_.push_back(std::move(tensor.info));
  }

  std::string_view FormatName() const override { return contents_.format_name; }
  std::string FormatDetail() const override { return contents_.format_detail; }
  std::span<const TensorInfo> Tensors() const override { return tensors_; }
  std::span<const MetadataEntry> Metadata() const override { return contents_.metadata; }
  std::span<const Finding> Findings() const override { return contents_.findings; }
  std::string_view RootKey() const override { return contents_.root_key; }

  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    if (out.empty()) return {};
    const StridedTensor& tensor = contents_.tensors[index];
    const std::uint32_t item = tensor.view.item_bytes;
    const bool as_stored = !NeedsSwap(index) && !tensor.is_conjugated && !tensor.is_negated;
    if (as_stored && IsContiguous(tensor.view)) {
      return Source(tensor).Read(tensor.view.offset * item + offset, out);
    }
    // Whole items only below; cut ones at either end go through a small buffer.
    if (const std::uint64_t skip = offset % item; skip != 0) {
      const std::size_t size = std::min<std::uint64_t>(out.size(), item - skip);
      HM_TRY(ReadCut(index, offset / item, skip, out.first(size)));
      offset += size;
      out = out.subspan(size);
    }
    const std::size_t whole = out.size() - out.size() % item;
    if (whole != 0) HM_TRY(ReadItems(index, offset / item, out.first(whole)));
    if (whole != out.size()) {
      HM_TRY(ReadCut(index, (offset + whole) / item, 0, out.subspan(whole)));
    }
    return {};
  }

 private:
  static bool NeedsSwap(const StridedTensor& tensor, Dtype dtype) {
    return tensor.is_big_endian && HoldsWideNumbers(dtype);
  }
  bool NeedsSwap(std::size_t index) const {
    return NeedsSwap(contents_.tensors[index], tensors_[index].dtype);
  }
  const BlockSource& Source(const StridedTensor& tensor) const {
    return *contents_.storages[tensor.storage].source;
  }

  // Says where the file keeps a tensor. Runs before its info moves to tensors_.
  void Place(StridedTensor& tensor) const {
    const StorageBytes& storage = contents_.storages[tensor.storage];
    const std::uint32_t item = tensor.view.item_bytes;
    const ItemRange items = *TouchedItems(tensor.view);
    const bool swapped = NeedsSwap(tensor, tensor.info.dtype);
    tensor.info.verbatim = storage.is_plain && !swapped && !tensor.is_conjugated &&
                           !tensor.is_negated && IsContiguous(tensor.view);
    tensor.info.stored = storage.stored;
    if (storage.is_plain) {
      tensor.info.stored = {storage.stored.offset + items.first * item,
                            (items.end - items.first) * item};
    }
    if (tensor.info.payload_bytes == 0) {
      tensor.info.verbatim = true;
      tensor.info.stored = {storage.stored.offset, 0};
      tensor.view.offset = 0;
    }
  }

  // Part of one item, from byte `skip` of it.
  Result<void> ReadCut(std::size_t index, std::uint64_t item, std::uint64_t skip,
                       MutableByteSpan out) const {
    std::array<std::byte, 16> whole;
    const MutableByteSpan bytes(whole.data(), contents_.tensors[index].view.item_bytes);
    HM_TRY(ReadItems(index, item, bytes));
    std::memcpy(out.data(), bytes.data() + skip, out.size());
    return {};
  }

  Result<void> ReadItems(std::size_t index, std::uint64_t first, MutableByteSpan out) const {
    const StridedTensor& tensor = contents_.tensors[index];
    if (IsContiguous(tensor.view)) {
      HM_TRY(Source(tensor).Read((tensor.view.offset + first) * tensor.view.item_bytes, out));
    } else {
      HM_TRY(cache_.Read(index, Source(tensor), tensor.view, first, out));
    }
    const DtypeInfo& dtype = InfoOf(tensors_[index].dtype);
    if (NeedsSwap(index)) SwapByteOrder(dtype.dtype, out);
    FlipSigns(tensor, dtype, out);
    return {};
  }

  // Negation and conjugation of floats are flips of sign bits, of NaNs too.
  static void FlipSigns(const StridedTensor& tensor, const DtypeInfo& dtype, MutableByteSpan out) {
    if (!tensor.is_negated && !tensor.is_conjugated) return;
    const std::size_t unit = dtype.component_bytes;
    const std::size_t parts = dtype.block_bytes / unit;  // 2 for complex numbers
    for (std::size_t i = 0, part = 0; i + unit <= out.size();
         i += unit, part = (part + 1) % parts) {
      const bool is_imaginary = parts == 2 && part == 1;
      if (tensor.is_negated != (tensor.is_conjugated && is_imaginary)) {
        out[i + unit - 1] ^= std::byte{0x80};
      }
    }
  }

  StridedContents contents_;
  std::vector<TensorInfo> tensors_;
  mutable GatherCache cache_;
};

}  // namespace

StorageBytes StorageInFile(const File& file, ByteRange range) {
  return {std::make_unique<FilePart>(file, range), range, true};
}

StorageBytes StorageInZip(const ZipArchive& archive, const ZipEntry& entry, ByteRange part) {
  if (entry.method == ZipMethod::kStored) {
    return StorageInFile(archive.GetFile(), {entry.payload.offset + part.offset, part.size});
  }
  return {std::make_unique<InflatedPart>(archive, entry, part), entry.payload, false};
}

Result<void> CheckScattered(const StridedContents& contents, const std::string& subject) {
  for (const StridedTensor& tensor : contents.tensors) {
    const StorageBytes& storage = contents.storages[tensor.storage];
    const std::uint64_t size = storage.source->Size();
    if (storage.is_plain || size <= kMaxScattered || IsContiguous(tensor.view)) continue;
    return Error{
        Errc::kUnsupported, subject,
        fmt::format("tensor {} is not contiguous in a deflated record of {} bytes, limit {}",
                    QuoteName(tensor.info.name), size, kMaxScattered),
        storage.stored.offset, "store the records without compression"};
  }
  return {};
}

std::unique_ptr<ModelReader> MakeStridedReader(StridedContents contents) {
  return std::make_unique<StridedReader>(std::move(contents));
}

}  // namespace hallmark
