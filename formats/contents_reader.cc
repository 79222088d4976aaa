#include "formats/contents_reader.h"

#include <utility>

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
    const ByteRange& stored = contents_.tensors[index].stored;
    HM_CHECK(offset <= stored.size && out.size() <= stored.size - offset);
    return file_.Read(stored.offset + offset, out);
  }

 private:
  const File& file_;
  ContainerContents contents_;
};

}  // namespace

std::unique_ptr<ModelReader> MakeContentsReader(const File& file, ContainerContents contents) {
  return std::make_unique<ContentsReader>(file, std::move(contents));
}

}  // namespace hallmark
