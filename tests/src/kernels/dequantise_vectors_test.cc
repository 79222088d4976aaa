// Every quantised tensor of the fixtures against the values ggml itself gives it (expected.json).
#include "src/kernels/dequantise.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(DequantiseFixtures, GivesTheValuesOfGgml) {
  std::map<std::string, int> tensors_of;
  for (const ExpectedFile& file : ExpectedFiles()) {
    std::string text;
    for (const auto& [name, tensor] : file.tensors) {
      if (tensor.f32_sha256.empty() || !tensor.offset) continue;
      const auto dtype = DtypeByName(tensor.dtype);
      ASSERT_TRUE(dtype) << tensor.dtype;
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
          << file.path << " " << name << " " << tensor.dtype;
      EXPECT_EQ(Sha256Hex(std::as_bytes(std::span(defined))), tensor.f32_sha256)
          << file.path << " " << name << " " << tensor.dtype;
      ++tensors_of[tensor.dtype];
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
