// Rounding and packing as ggml does them: what the definitions of its types and the fast ways
// share.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "src/kernels/blocks.h"

namespace hallmark {

// To the nearest f16, ties to even; beyond its range infinity; every NaN is 0x7e00 with its sign.
inline F16 ToF16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  std::uint32_t half;
  if (magnitude > 0x7f800000) {
    half = 0x7e00;
  } else if (magnitude >= 0x477ff000) {  // halfway from the largest f16 to 2^16
    half = 0x7c00;
  } else if (magnitude >= 0x38800000) {  // normal, from 2^-14
    half = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  } else {  // the steps from 0.5 on are those of a subnormal f16, 2^-24
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000;
  }
  half |= bits >> 16 & 0x8000;
  return {{static_cast<std::uint8_t>(half), static_cast<std::uint8_t>(half >> 8)}};
}

// Exactly, by moving the exponent: 2^112 is the distance of the biases.
inline float FromF16(F16 half) {
  const std::uint32_t bits = half.bits.Get();
  const float scaled = std::bit_cast<float>((bits & 0x7fff) << 13) * 0x1p112f;
  const std::uint32_t special = (bits & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special |
                              (bits & 0x8000) << 16);
}

inline bool IsFinite(F16 half) { return (half.bits.Get() & 0x7c00) != 0x7c00; }

// Whether llama-quantize keeps the block: ggml_validate_row_data.
template <typename Block>
bool ScalesAreFinite(const Block& block) {
  if constexpr (requires { block.e; }) {
    return block.e != 255;
  } else if constexpr (requires { block.dmin; }) {
    return IsFinite(block.d) && IsFinite(block.dmin);
  } else if constexpr (requires { block.m; }) {
    return IsFinite(block.d) && IsFinite(block.m);
  } else {
    return IsFinite(block.d);
  }
}

// Adding it leaves a number of less than 2^22 rounded to a whole, ties to even, in the low bits.
inline constexpr float kRoundingOffset = 12582912.0f;  // 1.5 * 2^23

// ggml's nearest_int, which is meant for numbers below 2^22, for all.
inline int NearestInt(float value) {
  return (std::bit_cast<std::int32_t>(value + kRoundingOffset) & 0x7fffff) - 0x400000;
}

// Towards zero; what does not fit is the smallest number, as the instruction of x86-64 has it.
inline int Truncated(float value) {
  if (value >= -0x1p31f && value < 0x1p31f) return static_cast<int>(value);
  return std::numeric_limits<int>::min();
}

// Half of 2^(e - 127), since kFp4Levels are doubled.
inline float HalfE8m0(std::uint32_t e) {
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

// The exponent for the largest of a block's magnitudes: two less than its own, since the largest
// level is six. Below the range it wraps around, as ggml's does.
inline std::uint8_t ExponentOfMxfp4(float largest) {
  if (!(largest > 0)) return 0;
  return static_cast<std::uint8_t>(Truncated(std::floor(std::log2(largest)) - 2 + 127));
}

// Levels, a byte each, to the fields of blocks.h: eight at once.

inline std::uint64_t EightAt(const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
inline void PutEight(std::uint64_t word, std::uint8_t* bytes) {
  std::memcpy(bytes, &word, sizeof word);
}
// `number` in each of eight bytes.
constexpr std::uint64_t Eight(std::uint64_t number) { return number * 0x0101010101010101; }

// The low nibbles of 2 * kBytes levels, first half low.
template <int kBytes>
void PackNibbles(const std::uint8_t* levels, std::uint8_t* qs) {
  for (int j = 0; j < kBytes; j += 8) {
    const std::uint64_t low = EightAt(levels + j) & Eight(15);
    PutEight(low | (EightAt(levels + kBytes + j) & Eight(15)) << 4, qs + j);
  }
}

// Bit 4 of 32 levels.
inline U32 PackFifthBits(const std::uint8_t* levels) {
  U32 packed;
  for (int j = 0; j < 4; ++j) {
    const std::uint64_t ones = EightAt(levels + 8 * j) >> 4 & Eight(1);
    packed.bytes[j] = static_cast<std::uint8_t>(ones * 0x0102040810204080 >> 56);
  }
  return packed;
}

// Bits kShift and kShift + 1 of 256 levels.
template <int kShift>
void PackTwoBits(const std::uint8_t* levels, std::uint8_t* qs) {
  for (int half = 0; half < 2; ++half, levels += 128, qs += 32) {
    for (int j = 0; j < 32; j += 8) {
      std::uint64_t bits = 0;
      for (int k = 0; k < 4; ++k) {
        bits |= (EightAt(levels + 32 * k + j) >> kShift & Eight(3)) << 2 * k;
      }
      PutEight(bits, qs + j);
    }
  }
}

// Bit kBit of 256 levels, that of value 32k + j to bit k of byte j.
template <int kBit>
void PackHighBits(const std::uint8_t* levels, std::uint8_t* qh) {
  for (int j = 0; j < 32; j += 8) {
    std::uint64_t bits = 0;
    for (int k = 0; k < 8; ++k) bits |= (EightAt(levels + 32 * k + j) >> kBit & Eight(1)) << k;
    PutEight(bits, qh + j);
  }
}

// `count` bytes of `trits` levels each, first level highest: ceil(256 / 243 * five trits).
inline void PackTrits(const std::uint8_t* levels, int count, int trits, std::uint8_t* qs) {
  for (int j = 0; j < count; ++j) {
    unsigned q = 0;
    for (int n = 0; n < 5; ++n) q = q * 3 + (n < trits ? levels[j + n * count] : 0);
    qs[j] = static_cast<std::uint8_t>(((q & 255) * 256 + 242) / 243);
  }
}

template <typename Block>
void PackLevels(const std::uint8_t* levels, Block& block) {
  using B = Block;
  if constexpr (std::is_same_v<B, BlockQ2_K> || std::is_same_v<B, BlockTq2_0>) {
    PackTwoBits<0>(levels, block.qs);
  } else if constexpr (std::is_same_v<B, BlockQ3_K>) {
    PackTwoBits<0>(levels, block.qs);
    PackHighBits<2>(levels, block.hmask);
  } else if constexpr (std::is_same_v<B, BlockQ6_K>) {
    PackTwoBits<4>(levels, block.qh);
    for (int half = 0; half < 2; ++half) {
      PackNibbles<64>(levels + 128 * half, block.ql + 64 * half);
    }
  } else if constexpr (std::is_same_v<B, BlockTq1_0>) {
    PackTrits(levels, 32, 5, block.qs);
    PackTrits(levels + 160, 16, 5, block.qs + 32);
    PackTrits(levels + 240, 4, 4, block.qh);
  } else if constexpr (std::is_same_v<B, BlockQ4_K> || std::is_same_v<B, BlockQ5_K>) {
    for (int i = 0; i < 4; ++i) PackNibbles<32>(levels + 64 * i, block.qs + 32 * i);
    if constexpr (std::is_same_v<B, BlockQ5_K>) PackHighBits<4>(levels, block.qh);
  } else {
    static_assert(kBlockValues<B> % 32 == 0 && sizeof block.qs == kBlockValues<B> / 2);
    for (std::size_t i = 0; i < kBlockValues<B>; i += 32) {
      PackNibbles<16>(levels + i, block.qs + i / 2);
    }
    if constexpr (requires { block.qh; }) block.qh = PackFifthBits(levels);
  }
}

// The inverse of UnpackScalesQ3, of scales that are 32 too large.
inline void PackScalesQ3(const std::uint8_t (&scales)[16], std::uint8_t (&packed)[12]) {
  std::memset(packed, 0, sizeof packed);
  for (int i = 0; i < 16; ++i) {
    packed[i % 8] = static_cast<std::uint8_t>(packed[i % 8] | (scales[i] & 15) << (i / 8 * 4));
    packed[8 + i % 4] =
        static_cast<std::uint8_t>(packed[8 + i % 4] | scales[i] >> 4 << (i / 4 * 2));
  }
}

// The inverse of UnpackScalesQ4.
inline void PackScalesQ4(const ScalesQ4& scales, std::uint8_t (&packed)[12]) {
  const auto& [scale, minimum] = scales;
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<std::uint8_t>(scale[i] | scale[i + 4] >> 4 << 6);
    packed[i + 4] = static_cast<std::uint8_t>(minimum[i] | minimum[i + 4] >> 4 << 6);
    packed[i + 8] = static_cast<std::uint8_t>((scale[i + 4] & 15) | minimum[i + 4] << 4);
  }
}

}  // namespace hallmark
