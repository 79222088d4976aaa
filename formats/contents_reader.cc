#include "formats/contents_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "formats/byte_order.h"

namespace hallmark {
namespace {

class ContentsReader final : public ModelReader {
 public:
  ContentsReader(const File& file, ContainerContents contents)
      : file_(file), contents_(std::move(contents)) {}

  std::string_view FormatName() const override { return contents_.format_name; }
  std::string FormatDetail() const override { return contents_.format_detail; }
  std::span<const TensorInfo> Tensors() const override { return contents_.tensors; }
  std::span<const MetadataEntry> Metadata() const override { return contents_.metadata; }
  std::span<const Finding> Findings() const override { return contents_.findings; }

  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    HM_CHECK(index < contents_.tensors.size());
    const TensorInfo& tensor = contents_.tensors[index];
    HM_CHECK(offset <= tensor.stored.size && out.size() <= tensor.stored.size - offset);
    if (tensor.verbatim) return file_.Read(tensor.stored.offset + offset, out);
    return ReadSwapped(tensor, offset, out);
  }

 private:
  // Whole blocks are swapped where they are wanted; those cut at either end go through a small
  // buffer.
  Result<void> ReadSwapped(const TensorInfo& tensor, std::uint64_t offset,
                           MutableByteSpan out) const {
    const std::uint64_t unit = InfoOf(tensor.dtype).block_bytes;
    while (!out.empty()) {
      const std::uint64_t skip = offset % unit;
      std::uint64_t size = out.size() - out.size() % unit;
      if (skip != 0 || size == 0) {
        size = std::min<std::uint64_t>(out.size(), unit - skip);
        std::vector<std::byte> block(unit);
        HM_TRY(ReadBlocks(tensor, offset - skip, block));
        std::memcpy(out.data(), block.data() + skip, size);
      } else {
        HM_TRY(ReadBlocks(tensor, offset, out.first(size)));
      }
      offset += size;
      out = out.subspan(size);
    }
    return {};
  }

  Result<void> ReadBlocks(const TensorInfo& tensor, std::uint64_t offset,
                          MutableByteSpan out) const {
    HM_TRY(file_.Read(tensor.stored.offset + offset, out));
    SwapByteOrder(tensor.dtype, out);
    return {};
  }

  const File& file_;
  ContainerContents contents_;
};

}  // namespace

std::unique_ptr<ModelReader> MakeContentsReader(const File& file, ContainerContents contents) {
  return std::make_unique<ContentsReader>(file, std::move(contents));
}

}  // namespace hallmark
