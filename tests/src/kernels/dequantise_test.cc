#include "src/kernels/dequantise.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "src/kernels/narrow.h"
#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> Dequantised(Dtype dtype, ByteSpan blocks) {
  const DtypeInfo& info = InfoOf(dtype);
  std::vector<float> values(blocks.size() / info.block_bytes * info.block_values);
  Dequantise(dtype, blocks, values);
  return values;
}

std::vector<float> Defined(Dtype dtype, ByteSpan blocks) {
  const DtypeInfo& info = InfoOf(dtype);
  std::vector<float> values(blocks.size() / info.block_bytes * info.block_values);
  DequantiseByDefinition(dtype, blocks, values);
  return values;
}

std::vector<std::uint32_t> BitsOf(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

std::string LeFloat(float value) { return Le32(std::bit_cast<std::uint32_t>(value)); }

constexpr std::uint16_t kHalfOf2 = 0x4000, kHalfOfMinus3 = 0xc200;

// Layouts that no other tool reads any more, and those that ggml keeps for itself: by hand.

TEST(Dequantise, TakesInterleavedNibblesOfTheFirstLayoutInTurn) {
  std::string block = LeFloat(0.5f);
  for (int i = 0; i < 16; ++i) block += static_cast<char>(i | (15 - i) << 4);
  const auto values = Dequantised(Dtype::kQ4_0Ggjt1, AsBytes(block));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(values[2 * i], (i - 8) * 0.5f);
    EXPECT_EQ(values[2 * i + 1], (7 - i) * 0.5f);
  }

  const auto with_minimum =
      Dequantised(Dtype::kQ4_1Ggjt1, AsBytes(LeFloat(0.1f) + LeFloat(-0.7f) + block.substr(4)));
  for (int i = 0; i < 16; ++i) {
    const float product = static_cast<float>(i) * 0.1f;  // rounded before the minimum is added
    EXPECT_EQ(with_minimum[2 * i], product + -0.7f);
  }
}

TEST(Dequantise, TakesNibblesOfTheSecondLayoutInHalves) {
  std::string block = LeFloat(0.5f);
  for (int i = 0; i < 16; ++i) block += static_cast<char>(i | (15 - i) << 4);
  const auto values = Dequantised(Dtype::kQ4_0Ggjt2, AsBytes(block));
  const auto with_minimum =
      Dequantised(Dtype::kQ4_1Ggjt2, AsBytes(LeFloat(0.25f) + LeFloat(3.0f) + block.substr(4)));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(values[i], (i - 8) * 0.5f);
    EXPECT_EQ(values[i + 16], (7 - i) * 0.5f);
    EXPECT_EQ(with_minimum[i], i * 0.25f + 3.0f);
    EXPECT_EQ(with_minimum[i + 16], (15 - i) * 0.25f + 3.0f);
  }
}

TEST(Dequantise, TakesTheFifthBitsInTheOrderOfTheValues) {
  std::string nibbles;
  for (int i = 0; i < 16; ++i) nibbles += static_cast<char>(i | (15 - i) << 4);
  const std::string high = Le32(0x80000005u);  // of values 0, 2 and 31
  const auto signed_values =
      Dequantised(Dtype::kQ5_0Ggjt1, AsBytes(Le16(kHalfOf2) + high + nibbles));
  const auto values = Dequantised(Dtype::kQ5_1Ggjt1,
                                  AsBytes(Le16(kHalfOf2) + Le16(kHalfOfMinus3) + high + nibbles));
  for (int i = 0; i < 32; ++i) {
    const int low = i % 2 == 0 ? i / 2 : 15 - i / 2;
    const int q = low + (i == 0 || i == 2 || i == 31 ? 16 : 0);
    EXPECT_EQ(signed_values[i], (q - 16) * 2.0f) << i;
    EXPECT_EQ(values[i], q * 2.0f - 3.0f) << i;
  }
}

TEST(Dequantise, TakesBlocksOfSixteen) {
  const std::string nibbles = "\x10\x32\x54\x76\x98\xba\xdc\xfe";
  const auto signed_values = Dequantised(Dtype::kQ4_2, AsBytes(Le16(kHalfOf2) + nibbles));
  const auto values =
      Dequantised(Dtype::kQ4_3, AsBytes(Le16(kHalfOf2) + Le16(kHalfOfMinus3) + nibbles));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(signed_values[i], (i - 8) * 2.0f);
    EXPECT_EQ(values[i], i * 2.0f - 3.0f);
  }
}

TEST(Dequantise, TakesBytesAsTheyAreWhateverTheSums) {
  std::string quants, long_quants;
  for (int i = 0; i < 32; ++i) quants += static_cast<char>(i * 8 - 128);
  for (int i = 0; i < 256; ++i) long_quants += static_cast<char>(i - 128);
  const auto q8_1 = Dequantised(Dtype::kQ8_1, AsBytes(Le16(kHalfOf2) + Le16(0x7e00) + quants));
  const auto old_q8_0 = Dequantised(Dtype::kQ8_0Ggjt2, AsBytes(LeFloat(0.1f) + quants));
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(q8_1[i], (i * 8 - 128) * 2.0f);
    EXPECT_EQ(old_q8_0[i], static_cast<float>(i * 8 - 128) * 0.1f);
  }
  const auto q8_k =
      Dequantised(Dtype::kQ8_K, AsBytes(LeFloat(0.1f) + long_quants + std::string(32, '\xff')));
  for (int i = 0; i < 256; ++i) EXPECT_EQ(q8_k[i], static_cast<float>(i - 128) * 0.1f);
}

TEST(Dequantise, GivesOneNan) {
  const std::string nibbles(16, '\x87');  // 7 and 8: minus one and zero
  for (const std::uint16_t scale : {0x7c00, 0xfc00, 0x7c01, 0xfe00, 0xffff}) {
    const auto values = Dequantised(Dtype::kQ4_0, AsBytes(Le16(scale) + nibbles));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(values[16]), 0x7fc00000u) << scale;  // zero times it
    if (scale == 0x7c00) {
      EXPECT_EQ(values[0], -kInfinity);
    } else if (scale == 0xfc00) {
      EXPECT_EQ(values[0], kInfinity);
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(values[0]), 0x7fc00000u) << scale;
    }
  }
}

TEST(Dequantise, KeepsTheSignOfZeroWhereGgmlDoes) {
  const auto plus = Dequantised(Dtype::kQ4_0, AsBytes(Le16(0xc000) + std::string(16, '\x88')));
  EXPECT_TRUE(std::signbit(plus[0]));  // 0 * -2
  const auto fp4 = Dequantised(Dtype::kMxfp4, AsBytes("\x7f" + std::string(16, '\x08')));
  EXPECT_FALSE(std::signbit(fp4[0]));  // the negative zero of E2M1 is plain zero
}

TEST(Dequantise, CastsPlainTypesExactly) {
  std::string halves, tops;
  std::vector<float> of_halves, of_tops;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    halves += Le16(half);
    of_halves.push_back(std::bit_cast<float>(
        static_cast<std::uint32_t>(*NarrowBits(Dtype::kF32, WidenBits(Dtype::kF16, half)))));
    of_tops.push_back(std::bit_cast<float>(bits << 16));
  }
  EXPECT_EQ(BitsOf(Dequantised(Dtype::kF16, AsBytes(halves))), BitsOf(of_halves));
  EXPECT_EQ(BitsOf(Dequantised(Dtype::kBf16, AsBytes(halves))), BitsOf(of_tops));
  const auto wide = AsText(std::as_bytes(std::span(of_tops)));
  EXPECT_EQ(BitsOf(Dequantised(Dtype::kF32, AsBytes(wide))), BitsOf(of_tops));
  EXPECT_EQ(BitsOf(Defined(Dtype::kF16, AsBytes(halves))), BitsOf(of_halves));
  EXPECT_TRUE(CanDequantise(Dtype::kIq1M));
  EXPECT_FALSE(CanDequantise(Dtype::kF64));
  EXPECT_FALSE(CanDequantise(Dtype::kI8));
}

TEST(Dequantise, TakesNothing) {
  for (const DtypeInfo& info : kDtypes) {
    if (CanDequantise(info.dtype)) Dequantise(info.dtype, {}, {});
  }
}

// The fast ways against the definition.

class DequantiseOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(Dequantise, DequantiseOnTarget, testing::ValuesIn(Targets()), TargetName);

void ExpectAgreement(Dtype dtype, ByteSpan blocks) {
  const auto fast = BitsOf(Dequantised(dtype, blocks)), defined = BitsOf(Defined(dtype, blocks));
  ASSERT_EQ(fast.size(), defined.size());
  for (std::size_t i = 0; i < fast.size(); ++i) {
    ASSERT_EQ(fast[i], defined[i]) << DtypeName(dtype) << ", value " << i << " of " << fast.size();
  }
}

std::vector<std::byte> RandomBytes(std::size_t size, std::mt19937& random) {
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST_P(DequantiseOnTarget, EqualsTheDefinitionOnRandomBlocksAtAnyAddress) {
  std::mt19937 random(4);
  for (const DtypeInfo& info : kDtypes) {
    if (!CanDequantise(info.dtype)) continue;
    const auto bytes = RandomBytes(info.block_bytes * 3001 + 1, random);
    ExpectAgreement(info.dtype, ByteSpan(bytes).subspan(1));
  }
}

TEST_P(DequantiseOnTarget, EqualsTheDefinitionOnEveryByte) {
  for (const DtypeInfo& info : kDtypes) {
    if (!info.is_block_quantised) continue;
    std::vector<std::byte> bytes;
    for (int byte = 0; byte < 256; ++byte) {
      bytes.insert(bytes.end(), info.block_bytes, static_cast<std::byte>(byte));
    }
    ExpectAgreement(info.dtype, bytes);
  }
}

// Infinities, NaNs, zeros, subnormals and extremes at every place where a scale could be.
TEST_P(DequantiseOnTarget, EqualsTheDefinitionOnStrangeScales) {
  std::vector<std::string> strange;
  for (const std::uint16_t half : {0x7c00, 0xfc00, 0x7c01, 0xfe00, 0x0000, 0x8000, 0x0001, 0x8001,
                                   0x03ff, 0x0400, 0x7bff, 0xfbff}) {
    strange.push_back(Le16(half));
  }
  for (const std::uint32_t single : {0x7f800000u, 0xff800000u, 0x7f800001u, 0xffc00000u, 1u,
                                     0x807fffffu, 0x7f7fffffu, 0xff7fffffu, 0x80000000u}) {
    strange.push_back(Le32(single));
  }
  std::mt19937 random(5);
  for (const DtypeInfo& info : kDtypes) {
    if (!info.is_block_quantised) continue;
    std::vector<std::byte> bytes;
    for (const std::string& scale : strange) {
      for (std::size_t at = 0; at + scale.size() <= info.block_bytes; ++at) {
        auto block = RandomBytes(info.block_bytes, random);
        std::memcpy(block.data() + at, scale.data(), scale.size());
        bytes.insert(bytes.end(), block.begin(), block.end());
      }
    }
    ExpectAgreement(info.dtype, bytes);
  }
}

}  // namespace
}  // namespace hallmark
