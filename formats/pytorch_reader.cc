#include "formats/pytorch_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "formats/byte_order.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

class PytorchReader final : public ModelReader {
 public:
  explicit PytorchReader(PytorchFile file) : file_(std::move(file)) {
    std::vector<PytorchTensor>& tensors = file_.checkpoint.tensors;
    for (PytorchTensor& tensor : tensors) Place(tensor);
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const PytorchTensor& a, const PytorchTensor& b) {
                       return a.info.stored.offset < b.info.stored.offset;
                     });
    tensors_.reserve(tensors.size());
    for (PytorchTensor& tensor : tensors) tensors_.push_back(std::move(tensor.info));
  }

  std::string_view FormatName() const override { return file_.format_name; }
  std::string FormatDetail() const override { return file_.format_detail; }
  std::span<const TensorInfo> Tensors() const override { return tensors_; }
  std::span<const MetadataEntry> Metadata() const override { return file_.checkpoint.metadata; }
  std::span<const Finding> Findings() const override { return file_.checkpoint.findings; }
  std::string_view RootKey() const override { return file_.checkpoint.root_key; }

  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    if (out.empty()) return {};
    const PytorchTensor& tensor = file_.checkpoint.tensors[index];
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
  bool NeedsSwap(std::size_t index) const {
    return file_.is_big_endian && HoldsWideNumbers(tensors_[index].dtype);
  }
  const BlockSource& Source(const PytorchTensor& tensor) const {
    return *file_.storages[tensor.storage].source;
  }

  // Says where the file keeps a tensor. Runs before its info moves to tensors_.
  void Place(PytorchTensor& tensor) const {
    const StorageBytes& storage = file_.storages[tensor.storage];
    const std::uint32_t item = tensor.view.item_bytes;
    const ItemRange items = *TouchedItems(tensor.view);
    const bool swapped = file_.is_big_endian && HoldsWideNumbers(tensor.info.dtype);
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
    const MutableByteSpan bytes(whole.data(), file_.checkpoint.tensors[index].view.item_bytes);
    HM_TRY(ReadItems(index, item, bytes));
    std::memcpy(out.data(), bytes.data() + skip, out.size());
    return {};
  }

  Result<void> ReadItems(std::size_t index, std::uint64_t first, MutableByteSpan out) const {
    const PytorchTensor& tensor = file_.checkpoint.tensors[index];
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
  static void FlipSigns(const PytorchTensor& tensor, const DtypeInfo& dtype, MutableByteSpan out) {
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

  PytorchFile file_;
  std::vector<TensorInfo> tensors_;
  mutable GatherCache cache_;
};

}  // namespace

std::unique_ptr<ModelReader> MakePytorchReader(PytorchFile file) {
  return std::make_unique<PytorchReader>(std::move(file));
}

Result<void> FilePart::Read(std::uint64_t offset, MutableByteSpan out) const {
  const auto end = CheckedAdd(offset, out.size());
  if (!end || *end > range_.size) {
    return Error{Errc::kIo, file_.Name(), "read beyond the end of a storage", range_.offset};
  }
  return file_.Read(range_.offset + offset, out);
}

}  // namespace hallmark
