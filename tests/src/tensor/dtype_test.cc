#include "src/tensor/dtype.h"

#include <set>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::size_t kDtypeCount = static_cast<std::size_t>(Dtype::kQ8_0Ggjt2) + 1;

TEST(Dtype, NamesAreUniqueAndFindTheirType) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDtypeCount; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const DtypeInfo& info = InfoOf(dtype);
    EXPECT_EQ(info.dtype, dtype);
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(DtypeByName(info.name), dtype);
  }
}

TEST(Dtype, NamesAreExact) {
  EXPECT_EQ(DtypeByName("F32"), std::nullopt);
  EXPECT_EQ(DtypeByName(""), std::nullopt);
  EXPECT_EQ(DtypeByName("f32 "), std::nullopt);
  EXPECT_EQ(DtypeByName("q4_K"), std::nullopt);
}

// Block layouts, as structs of ggml-common.h give their size: halves for the scales, then quants.
TEST(Dtype, BlockSizesAreTheSumOfTheirParts) {
  struct Layout {
    Dtype dtype;
    std::uint32_t values;
    std::uint32_t bytes;
  };
  const Layout layouts[] = {
      {Dtype::kQ4_0, 32, 2 + 16},
      {Dtype::kQ4_1, 32, 2 + 2 + 16},
      {Dtype::kQ5_0, 32, 2 + 4 + 16},
      {Dtype::kQ5_1, 32, 2 + 2 + 4 + 16},
      {Dtype::kQ8_0, 32, 2 + 32},
      {Dtype::kQ2_K, 256, 16 + 64 + 2 + 2},
      {Dtype::kQ3_K, 256, 32 + 64 + 12 + 2},
      {Dtype::kQ4_K, 256, 2 + 2 + 12 + 128},
      {Dtype::kQ5_K, 256, 2 + 2 + 12 + 32 + 128},
      {Dtype::kQ6_K, 256, 128 + 64 + 16 + 2},
      {Dtype::kQ8_K, 256, 4 + 256 + 32},
      {Dtype::kQ4_0Ggjt1, 32, 4 + 16},
      {Dtype::kQ4_1Ggjt1, 32, 4 + 4 + 16},
      {Dtype::kQ4_2, 16, 2 + 8},
      {Dtype::kQ4_3, 16, 2 + 2 + 8},
      {Dtype::kQ5_0Ggjt1, 32, 2 + 4 + 16},
      {Dtype::kQ5_1Ggjt1, 32, 2 + 2 + 4 + 16},
      {Dtype::kQ4_0Ggjt2, 32, 4 + 16},
      {Dtype::kQ4_1Ggjt2, 32, 4 + 4 + 16},
      {Dtype::kQ8_0Ggjt2, 32, 4 + 32},
  };
  for (const Layout& layout : layouts) {
    const DtypeInfo& info = InfoOf(layout.dtype);
    EXPECT_EQ(info.block_values, layout.values) << info.name;
    EXPECT_EQ(info.block_bytes, layout.bytes) << info.name;
    EXPECT_TRUE(info.is_block_quantised) << info.name;
  }
}

TEST(Dtype, FloatFamilyIsTheFourTypesALosslessCastCanJoin) {
  std::set<std::string_view> family;
  for (std::size_t i = 0; i < kDtypeCount; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    if (IsFloatFamily(dtype)) family.insert(DtypeName(dtype));
  }
  EXPECT_EQ(family, (std::set<std::string_view>{"bf16", "f16", "f32", "f64"}));
}

}  // namespace
}  // namespace hallmark
