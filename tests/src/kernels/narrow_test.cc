#include "src/kernels/narrow.h"

#include <bit>
#include <cmath>
#include <random>

#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::uint64_t Bits(double value) { return std::bit_cast<std::uint64_t>(value); }
std::uint64_t Bits(float value) { return std::bit_cast<std::uint32_t>(value); }

// What the number with these fields is, by the definition of the formats.
double ValueOf(std::uint64_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const auto fraction = static_cast<double>(bits & ((1ull << fraction_bits) - 1));
  const auto exponent = static_cast<int>(bits >> fraction_bits & ((1ull << exponent_bits) - 1));
  const double magnitude = exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                                         : std::ldexp(fraction + std::ldexp(1.0, fraction_bits),
                                                      exponent - bias - fraction_bits);
  return bits >> (exponent_bits + fraction_bits) & 1 ? -magnitude : magnitude;
}

TEST(Widen, GivesTheValueOfEveryF16AndBf16) {
  for (std::uint64_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) {
      EXPECT_EQ(WidenBits(Dtype::kF16, bits), Bits(ValueOf(bits, 5, 10))) << bits;
    }
    if ((bits & 0x7f80) != 0x7f80) {
      EXPECT_EQ(WidenBits(Dtype::kBf16, bits), Bits(ValueOf(bits, 8, 7))) << bits;
    }
  }
}

TEST(Widen, AgreesWithTheProcessorOnFloats) {
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t bits = random() >> (i % 3 == 0 ? 10 : 0);  // a third are subnormal or small
    if ((bits & 0x7f800000) == 0x7f800000) continue;
    const double value = std::bit_cast<float>(bits);
    EXPECT_EQ(WidenBits(Dtype::kF32, bits), Bits(value)) << bits;
  }
}

TEST(Widen, ShiftsTheFractionOfANanAndQuietsNothing) {
  EXPECT_EQ(WidenBits(Dtype::kF16, 0x7c01), 0x7ff0040000000000u);
  EXPECT_EQ(WidenBits(Dtype::kF16, 0xfe00), 0xfff8000000000000u);
  EXPECT_EQ(WidenBits(Dtype::kBf16, 0x7f81), 0x7ff0200000000000u);
  EXPECT_EQ(WidenBits(Dtype::kF32, 0x7f800001), 0x7ff0000020000000u);
  EXPECT_EQ(WidenBits(Dtype::kF32, 0xff800000), 0xfff0000000000000u);  // infinity
}

TEST(Narrow, IsTheInverseOfWidening) {
  for (std::uint64_t bits = 0; bits < 0x10000; ++bits) {
    EXPECT_EQ(NarrowBits(Dtype::kF16, WidenBits(Dtype::kF16, bits)), bits);
    EXPECT_EQ(NarrowBits(Dtype::kBf16, WidenBits(Dtype::kBf16, bits)), bits);
  }
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t bits = static_cast<std::uint32_t>(random()) >> (i % 3 == 0 ? 10 : 0);
    EXPECT_EQ(NarrowBits(Dtype::kF32, WidenBits(Dtype::kF32, bits)), bits);
  }
}

TEST(Narrow, RefusesWhatWouldChange) {
  const auto refuses = [](Dtype to, double value) { return !NarrowBits(to, Bits(value)); };
  EXPECT_TRUE(refuses(Dtype::kF16, 65520.0));
  EXPECT_TRUE(refuses(Dtype::kF16, 65536.0));
  EXPECT_TRUE(refuses(Dtype::kF16, 1 + std::ldexp(1.0, -11)));
  EXPECT_TRUE(refuses(Dtype::kF16, std::ldexp(1.0, -25)));
  EXPECT_TRUE(refuses(Dtype::kF16, std::ldexp(3.0, -25)));
  EXPECT_TRUE(refuses(Dtype::kBf16, 1 + std::ldexp(1.0, -8)));
  EXPECT_TRUE(refuses(Dtype::kBf16, std::ldexp(1.0, -134)));
  EXPECT_TRUE(refuses(Dtype::kF32, std::ldexp(1.0, -150)));
  EXPECT_TRUE(refuses(Dtype::kF32, 0.1));
  EXPECT_TRUE(refuses(Dtype::kF32, 5e-324));
  EXPECT_FALSE(NarrowBits(Dtype::kF32, 0x7ff0000000000001u));  // a payload that f32 cannot hold
  EXPECT_EQ(NarrowBits(Dtype::kF16, Bits(-0.0)), 0x8000u);
  EXPECT_EQ(NarrowBits(Dtype::kF16, Bits(std::ldexp(1.0, -24))), 1u);
  EXPECT_EQ(NarrowBits(Dtype::kBf16, Bits(std::ldexp(1.0, -133))), 1u);
  EXPECT_EQ(NarrowBits(Dtype::kF32, Bits(std::ldexp(1.0, -149))), 1u);
}

// The fast casts against the scalar definition, one element of interest at a time among zeros, at
// every place of a batch and of a rest.
void ExpectAgreement(Dtype from, Dtype to, std::uint64_t bits, std::size_t at, std::size_t count) {
  const std::size_t in_size = InfoOf(from).block_bytes, out_size = InfoOf(to).block_bytes;
  std::vector<std::byte> in(count * in_size), out(count * out_size);
  std::memcpy(in.data() + at * in_size, &bits, in_size);
  const auto expected = NarrowBits(to, WidenBits(from, bits));
  ASSERT_EQ(CastExactly(from, to, in, out), expected.has_value()) << DtypeName(from) << bits;
  if (!expected) return;
  std::vector<std::byte> wanted(count * out_size);
  std::memcpy(wanted.data() + at * out_size, &*expected, out_size);
  ASSERT_EQ(out, wanted) << DtypeName(from) << " " << bits << " to " << DtypeName(to);
}

class CastOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(CastExactly, CastOnTarget, testing::ValuesIn(Targets()), TargetName);

TEST_P(CastOnTarget, AgreesWithTheScalarDefinition) {
  for (std::uint64_t bits = 0; bits < 0x10000; ++bits) {
    ExpectAgreement(Dtype::kF16, Dtype::kBf16, bits, bits % 257, 257);
    ExpectAgreement(Dtype::kF16, Dtype::kF32, bits, bits % 257, 257);
    ExpectAgreement(Dtype::kBf16, Dtype::kF32, bits, bits % 257, 257);
  }
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    std::uint64_t bits = random();
    switch (i % 5) {
      case 1:  // f16 values
        bits = *NarrowBits(Dtype::kF32, WidenBits(Dtype::kF16, bits & 0xffff));
        break;
      case 2:  // a little off f16 values
        bits = *NarrowBits(Dtype::kF32, WidenBits(Dtype::kF16, bits & 0xffff)) ^
               (1u << (bits >> 16 & 15));
        break;
      case 3:  // bf16 values
        bits &= 0xffff0000;
        break;
      case 4:  // around the limits of f16
        bits = (bits & 0x807fffff) | (0x37000000 + (bits >> 8 & 0x0f) * 0x800000) |
               (bits & 1 ? 0x08000000 : 0);
        break;
      default:
        break;
    }
    const std::size_t at = static_cast<std::size_t>(i) % 300;
    ExpectAgreement(Dtype::kF32, Dtype::kBf16, bits, at, 300);
    ExpectAgreement(Dtype::kF32, Dtype::kF16, bits, at, 300);
    const std::uint64_t wide = i % 2 == 0 ? WidenBits(Dtype::kF32, bits) : bits << 32 | bits;
    ExpectAgreement(Dtype::kF64, Dtype::kF32, wide, at % 7, 7);
    ExpectAgreement(Dtype::kF64, Dtype::kF16, wide, at % 7, 7);
    ExpectAgreement(Dtype::kF64, Dtype::kBf16, wide, at % 7, 7);
  }
  EXPECT_EQ(Bits(1.0f), 0x3f800000u);
}

TEST(CastExactly, TakesNothing) { EXPECT_TRUE(CastExactly(Dtype::kF32, Dtype::kBf16, {}, {})); }

}  // namespace
}  // namespace hallmark
