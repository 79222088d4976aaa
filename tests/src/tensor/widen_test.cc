#include "src/tensor/widen.h"

#include <bit>
#include <cmath>
#include <vector>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

double Widened(Dtype dtype, std::string_view bytes) {
  double value;
  WidenToF64(dtype, AsBytes(bytes), {&value, 1});
  return value;
}

std::uint64_t WidenedBits(Dtype dtype, std::string_view bytes) {
  return std::bit_cast<std::uint64_t>(Widened(dtype, bytes));
}

// Every f16, against the value IEEE 754 gives it, written with ldexp.
TEST(WidenToF64, GivesEveryF16ItsValue) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const int fraction = static_cast<int>(bits & 1023);
    const double sign = bits >> 15 ? -1.0 : 1.0;
    const double value = Widened(Dtype::kF16, Le16(static_cast<std::uint16_t>(bits)));
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), fraction != 0) << bits;
      if (fraction == 0) {
        EXPECT_EQ(value, sign * HUGE_VAL);
      }
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      EXPECT_EQ(value, sign * expected) << bits;
      EXPECT_EQ(std::signbit(value), bits >> 15 == 1) << bits;
    }
  }
}

TEST(WidenToF64, AgreesWithTheHardwareForNumbersOfF32AndBf16) {
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    const auto bits = static_cast<std::uint32_t>(i * 4295 + 7);
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    EXPECT_EQ(WidenedBits(Dtype::kF32, Le32(bits)),
              std::bit_cast<std::uint64_t>(static_cast<double>(value)));
  }
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = std::bit_cast<float>(bits << 16);
    if (std::isnan(value)) continue;
    EXPECT_EQ(WidenedBits(Dtype::kBf16, Le16(static_cast<std::uint16_t>(bits))),
              std::bit_cast<std::uint64_t>(static_cast<double>(value)));
  }
}

TEST(WidenToF64, KeepsNanPayloadsAndQuietsNothing) {
  EXPECT_EQ(WidenedBits(Dtype::kF32, Le32(0x7f802000)), 0x7ff0040000000000u);
  EXPECT_EQ(WidenedBits(Dtype::kF32, Le32(0xffc00001)), 0xfff8000020000000u);
  EXPECT_EQ(WidenedBits(Dtype::kF16, Le16(0xfc01)), 0xfff0040000000000u);
  EXPECT_EQ(WidenedBits(Dtype::kBf16, Le16(0x7f81)), 0x7ff0200000000000u);
}

}  // namespace
}  // namespace hallmark
