// Every quantised tensor of the fixtures against the values ggml itself gives it (expected.json).
#include "src/kernels/dequantise.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// A legacy file's type number means another layout by the version of the file.
std::string DtypeIn(const ExpectedFile& file, const ExpectedTensor& tensor) {
  if (!tensor.dtype.starts_with("q4_0") || file.format != "ggml-legacy") return tensor.dtype;
  if (file.path.find("ggjt-v3") != std::string::npos) return "q4_0";
  return file.path.find("ggjt-v2") != std::string::npos ? "q4_0_ggjt2" : "q4_0_ggjt1";
}

TEST(DequantiseFixtures, GivesTheValuesOfGgml) {
  std::map<std::string, int> tensors_of;
  for (const ExpectedFile& file : ExpectedFiles()) {
    std::string text;
    for (const auto& [name, tensor] : file.tensors) {
      if (tensor.f32_sha256.empty() || !tensor.offset) continue;
      const std::string type = DtypeIn(file, tensor);
      const auto dtype = DtypeByName(type);
      ASSERT_TRUE(dtype) << type;
      std::uint64_t count = 1;
      for (const std::uint64_t dimension : tensor.shape) count *= dimension;
      const DtypeInfo& info = InfoOf(*dtype);
      const std::uint64_t size = count / info.block_values * info.block_bytes;
      if (text.empty()) text = ReadFixture(file.path);
      const ByteSpan blocks = AsBytes(text).subspan(*tensor.offset, size);
      ASSERT_EQ(Sha256Hex(blocks), tensor.sha256) << file.path << " " << name;

      std::vector<float> values(count), defined(count);
      Dequantise(*dtype, blocks, values);
      DequantiseByDefinition(*dtype, blocks, defined);
      EXPECT_EQ(Sha256Hex(std::as_bytes(std::span(values))), tensor.f32_sha256)
          << file.path << " " << name << " " << type;
      EXPECT_EQ(Sha256Hex(std::as_bytes(std::span(defined))), tensor.f32_sha256)
          << file.path << " " << name << " " << type;
      ++tensors_of[type];
    }
  }
  // What ggml gives no values for: the types of its own intermediate results, and of layouts that
  // no tool is left for.
  for (const DtypeInfo& info : kDtypes) {
    if (!info.is_block_quantised || info.name == "q8_1" || info.name == "q8_k") continue;
    if (info.dtype > Dtype::kQ2_0 && !info.name.starts_with("q4_0_")) continue;
    EXPECT_GT(tensors_of[std::string(info.name)], 0) << info.name;
  }
}

}  // namespace
}  // namespace hallmark
