// Rounding and packing as ggml does them: what the definitions of its types and the fast ways
// share.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

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

// Levels to the fields of blocks.h, a byte a level to begin with.

// The low nibbles of 32 levels.
inline void PackHalved(const std::uint8_t* levels, std::uint8_t* qs) {
  for (int j = 0; j < 16; ++j) {
    qs[j] = static_cast<std::uint8_t>((levels[j] & 15) | levels[j + 16] << 4);
  }
}

// Bit 4 of 32 levels.
inline U32 PackFifthBits(const std::uint8_t* levels) {
  std::uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= static_cast<std::uint32_t>(levels[j] >> 4 & 1) << j;
  U32 packed;
  std::memcpy(packed.bytes, &bits, sizeof bits);
  return packed;
}

// 256 levels of two bits.
inline void PackTwoBits(const std::uint8_t* levels, std::uint8_t* qs) {
  for (int half = 0; half < 2; ++half, levels += 128, qs += 32) {
    for (int j = 0; j < 32; ++j) {
      qs[j] = static_cast<std::uint8_t>(levels[j] | levels[j + 32] << 2 | levels[j + 64] << 4 |
                                        levels[j + 96] << 6);
    }
  }
}

// The low nibbles of 256 levels.
inline void PackKNibbles(const std::uint8_t* levels, std::uint8_t* qs) {
  for (int group = 0; group < 4; ++group, levels += 64, qs += 32) {
    for (int j = 0; j < 32; ++j) {
      qs[j] = static_cast<std::uint8_t>((levels[j] & 15) | levels[j + 32] << 4);
    }
  }
}

// Bit `kBit` of 256 levels, that of value 32k + j to bit k of byte j.
template <int kBit>
void PackHighBits(const std::uint8_t* levels, std::uint8_t (&bits)[32]) {
  for (int j = 0; j < 32; ++j) bits[j] = 0;
  for (int k = 0; k < 8; ++k) {
    for (int j = 0; j < 32; ++j) {
      bits[j] = static_cast<std::uint8_t>(bits[j] | (levels[32 * k + j] >> kBit & 1) << k);
    }
  }
}

inline void PackLevels(const std::uint8_t* levels, BlockQ4_0& block) {
  PackHalved(levels, block.qs);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ4_1& block) {
  PackHalved(levels, block.qs);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ5_0& block) {
  PackHalved(levels, block.qs);
  block.qh = PackFifthBits(levels);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ5_1& block) {
  PackHalved(levels, block.qs);
  block.qh = PackFifthBits(levels);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ2_K& block) {
  PackTwoBits(levels, block.qs);
}
// Levels 0..7.
inline void PackLevels(const std::uint8_t* levels, BlockQ3_K& block) {
  std::uint8_t low[256];
  for (int i = 0; i < 256; ++i) low[i] = levels[i] & 3;
  PackTwoBits(low, block.qs);
  PackHighBits<2>(levels, block.hmask);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ4_K& block) {
  PackKNibbles(levels, block.qs);
}
inline void PackLevels(const std::uint8_t* levels, BlockQ5_K& block) {
  PackKNibbles(levels, block.qs);
  PackHighBits<4>(levels, block.qh);
}
// Levels 0..63.
inline void PackLevels(const std::uint8_t* levels, BlockQ6_K& block) {
  std::uint8_t high[256];
  for (int i = 0; i < 256; ++i) high[i] = levels[i] >> 4;
  PackTwoBits(high, block.qh);
  for (int half = 0; half < 2; ++half, levels += 128) {
    for (int j = 0; j < 64; ++j) {
      block.ql[64 * half + j] = static_cast<std::uint8_t>((levels[j] & 15) | levels[j + 64] << 4);
    }
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
