#include "src/kernels/quantise.h"

#include <cmath>
#include <limits>
#include <random>

#include "src/kernels/dequantise.h"
#include "src/kernels/narrow.h"
#include "src/kernels/quantise_arithmetic.h"
#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Quantised {
  std::vector<std::byte> blocks;
  bool finite;
};

using QuantiseFunction = bool(Dtype, std::span<const float>, std::size_t, std::span<const float>,
                              MutableByteSpan);

Quantised QuantiseWith(QuantiseFunction* quantise, Dtype dtype, std::span<const float> values,
                       std::size_t row_length, std::span<const float> importance) {
  const DtypeInfo& info = InfoOf(dtype);
  Quantised result;
  result.blocks.resize(values.size() / info.block_values * info.block_bytes);
  result.finite = quantise(dtype, values, row_length, importance, result.blocks);
  return result;
}

// The blocks of one row.
std::vector<std::byte> BlocksOf(Dtype dtype, const std::vector<float>& row) {
  return QuantiseWith(Quantise, dtype, row, row.size(), {}).blocks;
}

TEST(ToF16, RoundsToTheNearestAndTiesToEven) {
  const auto bits = [](float value) { return ToF16(value).bits.Get(); };
  const auto value_of = [](unsigned half) {
    return std::bit_cast<double>(WidenBits(Dtype::kF16, half));
  };
  for (unsigned half = 0; half < 0x7c00; ++half) {
    const auto exact = static_cast<float>(value_of(half));
    EXPECT_EQ(bits(exact), half);
    EXPECT_EQ(bits(-exact), half | 0x8000);
    EXPECT_EQ(FromF16(ToF16(exact)), exact);
    const double next = half == 0x7bff ? 65536 : value_of(half + 1);
    const auto middle = static_cast<float>((value_of(half) + next) / 2);  // an f32 holds it
    EXPECT_EQ(bits(middle), half % 2 == 0 ? half : half + 1) << half;
    EXPECT_EQ(bits(std::nextafter(middle, 0.0f)), half) << half;
    EXPECT_EQ(bits(std::nextafter(middle, kInfinity)), half + 1) << half;
  }
  EXPECT_EQ(bits(kInfinity), 0x7c00);
  EXPECT_EQ(bits(1e30f), 0x7c00);
  EXPECT_EQ(bits(kNan) & 0x7fff, 0x7e00);
  EXPECT_EQ(bits(1e-30f), 0);
}

TEST(Quantise, KnowsItsTypes) {
  std::string names;
  for (const DtypeInfo& info : kDtypes) {
    if (CanQuantise(info.dtype)) names += std::string(info.name) + " ";
  }
  EXPECT_EQ(names,
            "q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k iq4_nl iq4_xs tq1_0 tq2_0 mxfp4 ");
}

TEST(Quantise, TakesTheFirstOfTheLargestMagnitudes) {
  std::vector<float> row(32, 0.0f);
  row[3] = -4;
  row[20] = 4;
  const auto negative_first = BlocksOf(Dtype::kQ4_0, row);
  EXPECT_EQ(LoadLittle<std::uint16_t>(negative_first.data()), 0x3800);  // -4 / -8 is 0.5
  row[3] = 4;
  row[20] = -4;
  const auto positive_first = BlocksOf(Dtype::kQ4_0, row);
  EXPECT_EQ(LoadLittle<std::uint16_t>(positive_first.data()), 0xb800);
  EXPECT_EQ(positive_first[2 + 3], std::byte{0x80});        // 4 is level 0, beside a zero: 8
  EXPECT_EQ(positive_first[2 + 20 - 16], std::byte{0xf8});  // -4 would be 16: the most is 15
}

TEST(Quantise, RoundsHalvesOfQ8_0AwayFromZero) {
  std::vector<float> row(32, 0.0f);
  row[0] = 127;
  row[1] = 0.5f;
  row[2] = -0.5f;
  row[3] = 2.5f;
  row[4] = -2.5f;
  row[5] = 0.49999997f;
  row[6] = -127;
  const auto block = BlocksOf(Dtype::kQ8_0, row);
  EXPECT_EQ(LoadLittle<std::uint16_t>(block.data()), 0x3c00);
  const int expected[] = {127, 1, -1, 3, -3, 0, -127};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(static_cast<std::int8_t>(block[2 + i]), expected[i]) << i;
}

TEST(Quantise, GivesZerosForZerosWithGgmlsSign) {
  for (const DtypeInfo& info : kDtypes) {
    if (!CanQuantise(info.dtype)) continue;
    const std::vector<float> zeros(512, 0.0f);
    std::vector<float> values(512, 1.0f);
    Dequantise(info.dtype, BlocksOf(info.dtype, zeros), values);
    EXPECT_EQ(values, zeros) << info.name;
  }
  const auto minus = BlocksOf(Dtype::kQ4_0, std::vector<float>(32, 0.0f));
  EXPECT_EQ(LoadLittle<std::uint16_t>(minus.data()), 0x8000);  // 0 / -8
}

TEST(Quantise, RefusesScalesThatAreNotFinite) {
  for (const DtypeInfo& info : kDtypes) {
    if (!CanQuantise(info.dtype) || info.dtype == Dtype::kMxfp4) continue;
    std::vector<float> row(256, 0.125f);
    EXPECT_TRUE(QuantiseWith(Quantise, info.dtype, row, 256, {}).finite) << info.name;
    row[17] = -1e11f;  // beyond an f16, whatever the levels; its square is no infinity yet
    EXPECT_FALSE(QuantiseWith(Quantise, info.dtype, row, 256, {}).finite) << info.name;
  }
  std::vector<float> row(256, 0.125f);
  row[17] = 1e30f;
  EXPECT_TRUE(QuantiseWith(Quantise, Dtype::kMxfp4, row, 256, {}).finite);
  row.assign(256, std::ldexp(1.0f, -126));  // its exponent wraps around to 255
  EXPECT_FALSE(QuantiseWith(Quantise, Dtype::kMxfp4, row, 256, {}).finite);
}

TEST(Quantise, TakesNothing) {
  for (const DtypeInfo& info : kDtypes) {
    if (!CanQuantise(info.dtype)) continue;
    EXPECT_TRUE(QuantiseWith(Quantise, info.dtype, {}, 256, {}).finite);
  }
}

// The fast ways against the definition.

class QuantiseOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(Quantise, QuantiseOnTarget, testing::ValuesIn(Targets()), TargetName);

constexpr std::size_t kRow = 1280;  // five blocks of 256: rows and batches do not end together

void ExpectAgreement(const std::string& what, const std::vector<float>& values) {
  std::mt19937 random(6);
  std::vector<float> importance(kRow), sparse(kRow);
  for (std::size_t i = 0; i < kRow; ++i) {
    importance[i] = static_cast<float>(random() % 1000) * 0.001f;
    sparse[i] = i / 32 % 5 == 1 || random() % 4 == 0 ? 0 : std::ldexp(importance[i], i % 16);
  }
  for (const DtypeInfo& info : kDtypes) {
    if (!CanQuantise(info.dtype)) continue;
    for (const std::span<const float> weights :
         {std::span<const float>(), std::span<const float>(importance),
          std::span<const float>(sparse)}) {
      const auto fast = QuantiseWith(Quantise, info.dtype, values, kRow, weights);
      const auto defined = QuantiseWith(QuantiseByDefinition, info.dtype, values, kRow, weights);
      EXPECT_EQ(fast.finite, defined.finite) << info.name << " " << what;
      for (std::size_t at = 0; at < fast.blocks.size(); at += info.block_bytes) {
        ASSERT_EQ(std::memcmp(&fast.blocks[at], &defined.blocks[at], info.block_bytes), 0)
            << info.name << " " << what << ", block " << at / info.block_bytes
            << (weights.empty() ? "" : ", by importance");
      }
    }
  }
}

// `value` makes a value of its index and a normal number.
template <typename Value>
std::vector<float> Values(const Value& value) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(3 * kRow);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = value(static_cast<int>(i), normal(random));
  }
  return values;
}

// Another number for each group of 16.
int GroupNumber(int i) {
  return static_cast<int>(static_cast<unsigned>(i / 16) * 40503u >> 3 & 31);
}

TEST_P(QuantiseOnTarget, EqualsTheDefinitionOnWeights) {
  ExpectAgreement("normal", Values([](int, float x) { return x * 0.02f; }));
  ExpectAgreement("of bf16", Values([](int, float x) {
                    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffff0000);
                  }));
  ExpectAgreement("positive", Values([](int, float x) { return std::fabs(x); }));
  ExpectAgreement("negative", Values([](int, float x) { return -std::fabs(x); }));
  ExpectAgreement("whole", Values([](int, float x) { return std::round(x * 8); }));
  ExpectAgreement("outliers", Values([](int i, float x) { return i % 61 == 0 ? x * 1000 : x; }));
}

TEST_P(QuantiseOnTarget, EqualsTheDefinitionOnGroupsOfDifferentScales) {
  ExpectAgreement("mixed",
                  Values([](int i, float x) { return std::ldexp(x, GroupNumber(i) - 20); }));
  ExpectAgreement("with zeros", Values([](int i, float x) {
                    return GroupNumber(i) % 3 != 0 ? x : GroupNumber(i) % 2 != 0 ? 0.0f : -0.0f;
                  }));
  ExpectAgreement("constant", Values([](int i, float) {
                    constexpr float kConstants[] = {0.0f, 0.37f, -1.25f, -0.0f};
                    return kConstants[i / 32 % 4];
                  }));
  ExpectAgreement("zeros of both signs", Values([](int, float x) { return x < 0 ? -0.0f : 0.0f; }));
  ExpectAgreement("close together", Values([](int i, float x) {
                    const float centre = GroupNumber(i) % 2 == 0 ? -1.0f : 1.0f;
                    return centre + std::ldexp(x, -(i / 256 % 26));
                  }));
  ExpectAgreement("offset", Values([](int i, float x) {
                    return x + std::ldexp(static_cast<float>(i / 32 % 5), i / 256 % 20 - 10);
                  }));
}

TEST_P(QuantiseOnTarget, EqualsTheDefinitionOnExtremes) {
  for (const float scale : {1e-44f, 1e-39f, 1e-30f, 1e-15f, 1e-8f, 1e6f, 1e18f, 1e30f, 1e38f}) {
    ExpectAgreement("times " + std::to_string(std::log10(scale)),
                    Values([&](int, float x) { return x * scale; }));
  }
  for (const float strange : {kNan, kInfinity, -kInfinity}) {
    ExpectAgreement("strange", Values([&](int i, float x) {
                      return i % 293 == 0 && i % 512 < 256 ? strange : x;
                    }));
    ExpectAgreement("strange blocks",
                    Values([&](int i, float x) { return i / 256 % 3 == 0 ? strange : x; }));
  }
}

}  // namespace
}  // namespace hallmark
