#include "src/kernels/round.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "src/kernels/narrow.h"
#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::uint64_t Bits(double value) { return std::bit_cast<std::uint64_t>(value); }

template <typename T>
ByteSpan BytesOf(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

TEST(RoundBits, TakesTheNearestAndTiesToEven) {
  const auto to_f16 = [](double value) { return RoundBits(Dtype::kF16, Bits(value)); };
  EXPECT_EQ(to_f16(1.0), 0x3c00u);
  EXPECT_EQ(to_f16(1 + std::ldexp(1.0, -11)), 0x3c00u);      // a tie, to even
  EXPECT_EQ(to_f16(1 + 3 * std::ldexp(1.0, -11)), 0x3c02u);  // a tie, to even
  EXPECT_EQ(to_f16(1 + std::ldexp(1.1, -11)), 0x3c01u);
  EXPECT_EQ(to_f16(65519.999), 0x7bffu);
  EXPECT_EQ(to_f16(65520.0), 0x7c00u);
  EXPECT_EQ(to_f16(-1e300), 0xfc00u);
  EXPECT_EQ(to_f16(std::ldexp(1.0, -25)), 0u);  // a tie, to zero
  EXPECT_EQ(to_f16(std::ldexp(1.001, -25)), 1u);
  EXPECT_EQ(to_f16(std::ldexp(1023.75, -24)), 0x400u);  // out of the subnormals
  EXPECT_EQ(to_f16(-1e-300), 0x8000u);
  EXPECT_EQ(RoundBits(Dtype::kF32, Bits(0.1)), std::bit_cast<std::uint32_t>(0.1f));
  EXPECT_EQ(RoundBits(Dtype::kF32, Bits(5e-324)), 0u);
  EXPECT_EQ(RoundBits(Dtype::kBf16, Bits(3.4e38)), 0x7f80u);
}

// The processor rounds from f64 to f32 as IEEE 754 says.
TEST(RoundBits, AgreesWithTheProcessor) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 200000; ++i) {
    std::uint64_t bits = random();
    if (i % 2 == 0) bits = (bits & ~(0x7ffull << 52)) | ((1023ull - 160 + random() % 320) << 52);
    const auto value = std::bit_cast<double>(bits);
    if (std::isnan(value)) continue;
    const auto rounded = static_cast<float>(value);
    ASSERT_EQ(RoundBits(Dtype::kF32, bits), std::bit_cast<std::uint32_t>(rounded)) << bits;
  }
}

TEST(RoundTo, TellsWhatWasLost) {
  const std::vector<float> values = {1.0f, 0.1f, 1e6f, 1e-9f, std::nanf(""), INFINITY};
  std::vector<std::uint16_t> halves(values.size());
  const RoundingLoss loss =
      RoundTo(Dtype::kF32, Dtype::kF16, BytesOf(values), std::as_writable_bytes(std::span(halves)));
  EXPECT_EQ(loss.changed, 3u);  // 0.1, 1e6, 1e-9
  EXPECT_EQ(loss.overflowed, 1u);
  EXPECT_EQ(loss.vanished, 1u);
  EXPECT_NEAR(loss.worst, std::abs(0.1f - 0.0999755859375), 1e-9);
  EXPECT_EQ(halves[2], 0x7c00);
  EXPECT_EQ(halves[5], 0x7c00);
}

TEST(RoundTo, LosesNothingWhereTheTypeIsWide) {
  const std::vector<std::uint16_t> halves = {0x3c00, 0x0001, 0x7e01, 0xfc00};
  std::vector<float> values(halves.size());
  const RoundingLoss loss =
      RoundTo(Dtype::kF16, Dtype::kF32, BytesOf(halves), std::as_writable_bytes(std::span(values)));
  EXPECT_EQ(loss.changed, 0u);
  EXPECT_EQ(values[1], std::ldexp(1.0f, -24));
}

class RoundOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(RoundTo, RoundOnTarget, testing::ValuesIn(Targets()), TargetName);

// Of every kind of number, batch and rest, against the scalar definition.
TEST_P(RoundOnTarget, AgreesWithTheScalarDefinition) {
  std::mt19937 random(11);
  std::vector<std::uint32_t> values;
  for (int i = 0; i < 300000; ++i) {
    std::uint32_t bits = random();
    if (i % 3 == 1) bits = (bits & 0x807fffff) | ((100 + random() % 50) << 23);  // f16's range
    if (i % 7 == 0) bits &= 0xfffff000;                                          // ties
    if (i % 11 == 0) bits &= 0xffff8000;
    values.push_back(bits);
  }
  values.push_back(0x477fefff);
  values.push_back(0x477ff000);
  values.push_back(0x7f7fffff);
  values.push_back(0x7f800001);
  for (const Dtype to : {Dtype::kF16, Dtype::kBf16}) {
    std::vector<std::uint16_t> halves(values.size());
    const RoundingLoss loss =
        RoundTo(Dtype::kF32, to, BytesOf(values), std::as_writable_bytes(std::span(halves)));
    RoundingLoss expected;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t wide = WidenBits(Dtype::kF32, values[i]);
      const std::uint64_t half = RoundBits(to, wide);
      ASSERT_EQ(halves[i], half) << DtypeName(to) << std::hex << " " << values[i];
      const auto before = std::bit_cast<double>(wide);
      const auto after = std::bit_cast<double>(WidenBits(to, half));
      if (std::isnan(before) || before == after) continue;
      ++expected.changed;
      if (std::isinf(after)) {
        ++expected.overflowed;
      } else {
        expected.vanished += after == 0 ? 1 : 0;
        expected.worst = std::max(expected.worst, std::abs(after - before));
      }
    }
    EXPECT_EQ(loss.changed, expected.changed);
    EXPECT_EQ(loss.overflowed, expected.overflowed);
    EXPECT_EQ(loss.vanished, expected.vanished);
    EXPECT_EQ(loss.worst, expected.worst);
  }
}

}  // namespace
}  // namespace hallmark
