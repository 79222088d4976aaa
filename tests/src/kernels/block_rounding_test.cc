#include "src/kernels/block_rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "src/kernels/dequantise.h"
#include "src/kernels/quantise.h"

namespace hallmark {
namespace {

constexpr std::size_t kRow = 256;

class RoundingOfType : public testing::TestWithParam<Dtype> {};

std::vector<Dtype> CheckedTypes() {
  std::vector<Dtype> types;
  for (const DtypeInfo& info : kDtypes) {
    if (CanCheckRounding(info.dtype)) types.push_back(info.dtype);
  }
  return types;
}

// Values of one size, with some much larger, a stretch of zeros and a stretch of very small ones.
std::vector<float> Values(float size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(200 * kRow);
  for (float& value : values) value = normal(random) * (random() % 300 == 0 ? 10.0f : 1.0f);
  std::fill(values.begin(), values.begin() + 2 * kRow, 0.0f);
  for (std::size_t i = 2 * kRow; i < 4 * kRow; ++i) values[i] *= i % 3 == 0 ? 1.0f : 1e-4f;
  return values;
}

std::vector<std::byte> Quantised(Dtype dtype, const std::vector<float>& values,
                                 const std::vector<float>& importance) {
  const DtypeInfo& info = InfoOf(dtype);
  std::vector<std::byte> blocks(values.size() / info.block_values * info.block_bytes);
  EXPECT_TRUE(Quantise(dtype, values, kRow, importance, blocks));
  return blocks;
}

BlockRounding Check(Dtype dtype, const std::vector<std::byte>& blocks,
                    const std::vector<float>& values) {
  BlockRounding found{dtype};
  CheckRounding(dtype, blocks, values, &found);
  return found;
}

TEST(CheckRounding, KnowsEveryTypeThatIsWritten) {
  for (const DtypeInfo& info : kDtypes) {
    EXPECT_EQ(CanCheckRounding(info.dtype), CanQuantise(info.dtype)) << info.name;
  }
}

TEST_P(RoundingOfType, HonestBlocksAreWithin) {
  for (const float size : {1.0f, 0.02f, 1e-3f}) {
    for (const bool by_importance : {false, true}) {
      std::vector<float> importance;
      for (std::size_t i = 0; by_importance && i < kRow; ++i) {
        importance.push_back(std::exp(std::sin(static_cast<float>(i))));
      }
      const auto values = Values(size, 11);
      const BlockRounding found =
          Check(GetParam(), Quantised(GetParam(), values, importance), values);
      EXPECT_EQ(found.within, found.blocks) << size << (by_importance ? " by importance" : "");
      EXPECT_GT(found.blocks, 0u);
    }
  }
}

// Other weights, rounded honestly, are no rounding of these.
TEST_P(RoundingOfType, BlocksOfOtherValuesAreNot) {
  const auto values = Values(0.02f, 11), others = Values(0.02f, 12);
  const BlockRounding found = Check(GetParam(), Quantised(GetParam(), others, {}), values);
  EXPECT_LT(found.within, found.blocks / 10);  // the stretch of zeros is both
  EXPECT_GT(found.worst_steps, 0.9);
}

// A value moved by two levels is found, in whichever block it is.
TEST_P(RoundingOfType, AValueThatWasMovedIsNot) {
  const auto values = Values(0.02f, 11);
  const auto blocks = Quantised(GetParam(), values, {});
  std::vector<float> levels(values.size());
  Dequantise(GetParam(), blocks, levels);
  const std::size_t block_values = InfoOf(GetParam()).block_values;
  std::size_t caught = 0, tried = 0;
  for (std::size_t block = 8 * kRow / block_values; block < values.size() / block_values; ++block) {
    auto moved = values;
    const std::size_t at = block * block_values + block % block_values;
    const auto in_block = std::span(levels).subspan(block * block_values, block_values);
    const float span = *std::ranges::max_element(in_block) - *std::ranges::min_element(in_block);
    moved[at] += moved[at] > 0 ? -0.9f * span : 0.9f * span;
    const BlockRounding found = Check(GetParam(), blocks, moved);
    ++tried;
    caught += found.within + 1 == found.blocks;
    if (tried == 20) break;
  }
  EXPECT_EQ(caught, tried);
}

TEST_P(RoundingOfType, ValuesThatAreNotFiniteAreNot) {
  auto values = Values(0.02f, 11);
  const auto blocks = Quantised(GetParam(), values, {});
  values[10 * kRow] = std::numeric_limits<float>::quiet_NaN();
  const BlockRounding found = Check(GetParam(), blocks, values);
  EXPECT_EQ(found.within + 1, found.blocks);
}

INSTANTIATE_TEST_SUITE_P(, RoundingOfType, testing::ValuesIn(CheckedTypes()),
                         [](const testing::TestParamInfo<Dtype>& type) {
                           return std::string(DtypeName(type.param));
                         });

}  // namespace
}  // namespace hallmark
