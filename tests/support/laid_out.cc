#include "tests/support/laid_out.h"

#include <zlib.h>

#include <algorithm>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

void Place(std::string_view bytes, std::uint64_t offset, std::string& text,
           std::vector<bool>& covered) {
  ASSERT_LE(offset, text.size());
  ASSERT_LE(bytes.size(), text.size() - offset);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_FALSE(covered[offset + i]) << "two things at byte " << offset + i;
    covered[offset + i] = true;
  }
  bytes.copy(text.data() + offset, bytes.size());
}

class LaidOutFile final : public File {
 public:
  explicit LaidOutFile(FileLayout layout) : layout_(std::move(layout)) {}

  std::uint64_t Size() const override { return layout_.size; }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return {}; }
  Result<void> CheckUnchanged() const override { return {}; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    std::ranges::fill(out, std::byte{0});
    for (const FileLayout::Literal& literal : layout_.literals) {
      const std::uint64_t begin = std::max(offset, literal.offset);
      const std::uint64_t end =
          std::min(offset + out.size(), literal.offset + literal.bytes.size());
      if (begin >= end) continue;
      std::ranges::copy(ByteSpan(literal.bytes).subspan(begin - literal.offset, end - begin),
                        out.begin() + static_cast<std::ptrdiff_t>(begin - offset));
    }
    return {};
  }

 private:
  FileLayout layout_;
  std::string name_ = "zeros.bin";
};

bool IsInLiteral(const FileLayout& layout, ByteRange range) {
  const auto after =
      std::ranges::upper_bound(layout.literals, range.offset, {}, &FileLayout::Literal::offset);
  if (after == layout.literals.begin()) return false;
  const FileLayout::Literal& literal = *std::prev(after);
  return range.End() <= literal.offset + literal.bytes.size();
}

}  // namespace

std::string FillLayout(const FileLayout& layout, std::span<const std::string> payloads) {
  std::string text(layout.size, '?');
  std::vector<bool> covered(layout.size);
  for (const FileLayout::Literal& literal : layout.literals) {
    EXPECT_FALSE(literal.bytes.empty());
    Place(AsText(literal.bytes), literal.offset, text, covered);
  }
  std::vector<std::size_t> times(payloads.size());
  for (const FileLayout::Payload& payload : layout.payloads) {
    Place(payloads[payload.tensor], payload.offset, text, covered);
    ++times[payload.tensor];
  }
  EXPECT_THAT(times, testing::Each(1u));
  const auto gap = std::ranges::find(covered, false);
  EXPECT_EQ(gap, covered.end()) << "nothing at byte " << gap - covered.begin();
  EXPECT_TRUE(std::ranges::is_sorted(layout.literals, {}, &FileLayout::Literal::offset));
  EXPECT_TRUE(std::ranges::is_sorted(layout.payloads, {}, &FileLayout::Payload::offset));

  for (const FileLayout::Checksum& checksum : layout.checksums) {
    EXPECT_TRUE(IsInLiteral(layout, {checksum.offset, 4}));
    EXPECT_EQ(text.substr(checksum.offset, 4), Le32(0));
    const std::string& payload = payloads[checksum.tensor];
    const auto crc =
        crc32_z(checksum.before, reinterpret_cast<const Bytef*>(payload.data()), payload.size());
    text.replace(checksum.offset, 4, Le32(static_cast<std::uint32_t>(crc)));
  }
  return text;
}

std::unique_ptr<File> FileOfZeros(FileLayout layout) {
  return std::make_unique<LaidOutFile>(std::move(layout));
}

ReadTensors ReadAll(const ModelReader& reader) {
  ReadTensors all;
  for (std::size_t i = 0; i < reader.Tensors().size(); ++i) {
    const TensorInfo& tensor = reader.Tensors()[i];
    all.tensors.push_back({tensor.name, tensor.dtype, tensor.shape});
    std::vector<std::byte> bytes(tensor.payload_bytes);
    EXPECT_TRUE(Ok(reader.ReadTensor(i, 0, bytes))) << tensor.name;
    all.payloads.emplace_back(AsText(bytes));
  }
  return all;
}

}  // namespace hallmark
