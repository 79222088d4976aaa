// The blocks of ggml's quantised types: one struct a type, its fields in the order of their bytes.
// Layouts: ggml-common.h of llama.cpp; those of 2023: ggml.c before its quantisation changes of 12
// and 19 May 2023. docs/block-types.md draws them and says which value is where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// A little-endian number at any address: blocks have odd sizes and no padding.
template <typename T>
struct Unaligned {
  std::uint8_t bytes[sizeof(T)];

  T Get() const {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};
using U16 = Unaligned<std::uint16_t>;
using U32 = Unaligned<std::uint32_t>;
using F32 = Unaligned<float>;
struct F16 {
  U16 bits;
};

// Names of fields are ggml's: d scale, m or dmin minimum, qs the quants' (low) bits, qh their high
// bits. "Halved": byte j of 16 holds value j in its low and value j + 16 in its high nibble.
// "Interleaved": values 2j and 2j + 1.

struct BlockQ4_0 {
  static constexpr Dtype kDtype = Dtype::kQ4_0;
  F16 d;
  std::uint8_t qs[16];  // halved
};

struct BlockQ4_1 {
  static constexpr Dtype kDtype = Dtype::kQ4_1;
  F16 d;
  F16 m;
  std::uint8_t qs[16];  // halved
};

struct BlockQ5_0 {
  static constexpr Dtype kDtype = Dtype::kQ5_0;
  F16 d;
  U32 qh;               // bit j is bit 4 of value j
  std::uint8_t qs[16];  // halved
};

struct BlockQ5_1 {
  static constexpr Dtype kDtype = Dtype::kQ5_1;
  F16 d;
  F16 m;
  U32 qh;
  std::uint8_t qs[16];  // halved
};

struct BlockQ8_0 {
  static constexpr Dtype kDtype = Dtype::kQ8_0;
  F16 d;
  std::int8_t qs[32];
};

struct BlockQ8_1 {
  static constexpr Dtype kDtype = Dtype::kQ8_1;
  F16 d;
  F16 s;  // d times the sum of qs; not needed for the values
  std::int8_t qs[32];
};

struct BlockQ2_K {
  static constexpr Dtype kDtype = Dtype::kQ2_K;
  std::uint8_t scales[16];  // of 16 values each: scale in the low, minimum in the high nibble
  std::uint8_t qs[64];      // of every 128 values 32 bytes, bits 2k of which are values 32k...
  F16 d;
  F16 dmin;
};

struct BlockQ3_K {
  static constexpr Dtype kDtype = Dtype::kQ3_K;
  std::uint8_t hmask[32];   // bit k of byte j belongs to value 32k + j
  std::uint8_t qs[64];      // as in Q2_K
  std::uint8_t scales[12];  // UnpackScalesQ3
  F16 d;
};

struct BlockQ4_K {
  static constexpr Dtype kDtype = Dtype::kQ4_K;
  F16 d;
  F16 dmin;
  std::uint8_t scales[12];  // UnpackScalesQ4
  std::uint8_t qs[128];     // of every 64 values 32 bytes: low nibbles first
};

struct BlockQ5_K {
  static constexpr Dtype kDtype = Dtype::kQ5_K;
  F16 d;
  F16 dmin;
  std::uint8_t scales[12];  // UnpackScalesQ4
  std::uint8_t qh[32];      // bit k of byte j is bit 4 of value 32k + j
  std::uint8_t qs[128];     // as in Q4_K
};

struct BlockQ6_K {
  static constexpr Dtype kDtype = Dtype::kQ6_K;
  std::uint8_t ql[128];    // of every 128 values 64 bytes: low nibbles first
  std::uint8_t qh[64];     // of every 128 values 32 bytes, bits 2k of which go to values 32k...
  std::int8_t scales[16];  // of 16 values each
  F16 d;
};

struct BlockQ8_K {
  static constexpr Dtype kDtype = Dtype::kQ8_K;
  F32 d;
  std::int8_t qs[256];
  U16 bsums[16];  // sums of 16 qs each; not needed for the values
};

// IQ2 and IQ3: magnitudes from a codebook (codebooks.h), signs apart. Signs of eight values are a
// byte, or 7 bits and the eighth such that an even number of them is negative (EvenSigns).
struct BlockIq2Xxs {
  static constexpr Dtype kDtype = Dtype::kIq2Xxs;
  F16 d;
  struct {
    std::uint8_t rows[4];  // of the codebook, 8 values each
    U32 signs_and_scale;   // 4 x 7 bits and, on top, 4
  } groups[8];
};

struct BlockIq2Xs {
  static constexpr Dtype kDtype = Dtype::kIq2Xs;
  F16 d;
  U16 qs[32];              // of 8 values each: 9 bits of row, 7 of signs
  std::uint8_t scales[8];  // nibbles, of 16 values each
};

struct BlockIq2S {
  static constexpr Dtype kDtype = Dtype::kIq2S;
  F16 d;
  std::uint8_t qs[32];  // low bits of rows of 8 values
  std::uint8_t signs[32];
  std::uint8_t qh[8];      // 2 high bits for each row
  std::uint8_t scales[8];  // nibbles, of 16 values each
};

struct BlockIq3Xxs {
  static constexpr Dtype kDtype = Dtype::kIq3Xxs;
  F16 d;
  std::uint8_t qs[64];     // rows of 4 values
  U32 signs_and_scale[8];  // of 32 values each, as in IQ2_XXS
};

struct BlockIq3S {
  static constexpr Dtype kDtype = Dtype::kIq3S;
  F16 d;
  std::uint8_t qs[64];  // low bits of rows of 4 values
  std::uint8_t qh[8];   // 1 high bit for each row
  std::uint8_t signs[32];
  std::uint8_t scales[4];  // nibbles, of 32 values each
};

struct BlockIq1S {
  static constexpr Dtype kDtype = Dtype::kIq1S;
  F16 d;
  std::uint8_t qs[32];  // low bits of rows of 8 values
  U16 qh[8];            // of 32 values each: 4 x 3 high bits, 3 of scale, the sign of delta
};

struct BlockIq1M {
  static constexpr Dtype kDtype = Dtype::kIq1M;
  std::uint8_t qs[32];  // low bits of rows of 8 values
  std::uint8_t qh[16];  // a nibble for each row: 3 high bits, the sign of delta
  U16 scales[4];  // 4 x 3 bits, of 16 values each; on top a quarter of the f16 that scales all
};

struct BlockIq4Nl {
  static constexpr Dtype kDtype = Dtype::kIq4Nl;
  F16 d;
  std::uint8_t qs[16];  // halved; of kIq4Levels
};

struct BlockIq4Xs {
  static constexpr Dtype kDtype = Dtype::kIq4Xs;
  F16 d;
  U16 scales_h;              // 2 high bits for each 32 values
  std::uint8_t scales_l[4];  // nibbles
  std::uint8_t qs[128];      // of every 32 values 16 bytes, halved; of kIq4Levels
};

struct BlockTq1_0 {
  static constexpr Dtype kDtype = Dtype::kTq1_0;
  std::uint8_t qs[48];  // 5 trits each: 32 bytes for 160 values, 16 for 80
  std::uint8_t qh[4];   // 4 trits each
  F16 d;
};

struct BlockTq2_0 {
  static constexpr Dtype kDtype = Dtype::kTq2_0;
  std::uint8_t qs[64];  // as in Q2_K
  F16 d;
};

struct BlockMxfp4 {
  static constexpr Dtype kDtype = Dtype::kMxfp4;
  std::uint8_t e;       // E8M0: an exponent, 2^(e - 127)
  std::uint8_t qs[16];  // halved; E2M1, of kFp4Levels
};

struct BlockNvfp4 {
  static constexpr Dtype kDtype = Dtype::kNvfp4;
  std::uint8_t d[4];      // UE4M3, of 16 values each
  std::uint8_t qs[4][8];  // byte j: values j and j + 8 of the 16; E2M1, of kFp4Levels
};

struct BlockQ1_0 {
  static constexpr Dtype kDtype = Dtype::kQ1_0;
  F16 d;
  std::uint8_t qs[16];  // a bit a value, lowest first
};

struct BlockQ2_0 {
  static constexpr Dtype kDtype = Dtype::kQ2_0;
  F16 d;
  std::uint8_t qs[16];  // 2 bits a value, lowest first
};

struct BlockQ4_0Ggjt1 {
  static constexpr Dtype kDtype = Dtype::kQ4_0Ggjt1;
  F32 d;
  std::uint8_t qs[16];  // interleaved
};

struct BlockQ4_1Ggjt1 {
  static constexpr Dtype kDtype = Dtype::kQ4_1Ggjt1;
  F32 d;
  F32 m;
  std::uint8_t qs[16];  // interleaved
};

struct BlockQ4_2 {
  static constexpr Dtype kDtype = Dtype::kQ4_2;
  F16 d;
  std::uint8_t qs[8];  // interleaved
};

struct BlockQ4_3 {
  static constexpr Dtype kDtype = Dtype::kQ4_3;
  F16 d;
  F16 m;
  std::uint8_t qs[8];  // interleaved
};

struct BlockQ5_0Ggjt1 {
  static constexpr Dtype kDtype = Dtype::kQ5_0Ggjt1;
  F16 d;
  U32 qh;               // bit j is bit 4 of value j
  std::uint8_t qs[16];  // interleaved
};

struct BlockQ5_1Ggjt1 {
  static constexpr Dtype kDtype = Dtype::kQ5_1Ggjt1;
  F16 d;
  F16 m;
  U32 qh;
  std::uint8_t qs[16];  // interleaved
};

struct BlockQ4_0Ggjt2 {
  static constexpr Dtype kDtype = Dtype::kQ4_0Ggjt2;
  F32 d;
  std::uint8_t qs[16];  // halved
};

struct BlockQ4_1Ggjt2 {
  static constexpr Dtype kDtype = Dtype::kQ4_1Ggjt2;
  F32 d;
  F32 m;
  std::uint8_t qs[16];  // halved
};

struct BlockQ8_0Ggjt2 {
  static constexpr Dtype kDtype = Dtype::kQ8_0Ggjt2;
  F32 d;
  std::int8_t qs[32];
};

template <typename Block>
inline constexpr std::size_t kBlockValues = InfoOf(Block::kDtype).block_values;

template <typename... Blocks>
struct BlockList {
  static constexpr std::size_t kCount = sizeof...(Blocks);
  static constexpr bool kFitTheirDtypes =
      ((sizeof(Blocks) == InfoOf(Blocks::kDtype).block_bytes && alignof(Blocks) == 1) && ...);

  // Calls visit.operator()<Block>() for the block of `dtype`. Returns whether there is one.
  template <typename Visitor>
  static bool Visit(Dtype dtype, const Visitor& visit) {
    return ((dtype == Blocks::kDtype && (visit.template operator()<Blocks>(), true)) || ...);
  }
};

using AllBlocks =
    BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, BlockQ8_1, BlockQ2_K,
              BlockQ3_K, BlockQ4_K, BlockQ5_K, BlockQ6_K, BlockQ8_K, BlockIq2Xxs, BlockIq2Xs,
              BlockIq3Xxs, BlockIq1S, BlockIq4Nl, BlockIq3S, BlockIq2S, BlockIq4Xs, BlockIq1M,
              BlockTq1_0, BlockTq2_0, BlockMxfp4, BlockNvfp4, BlockQ1_0, BlockQ2_0, BlockQ4_0Ggjt1,
              BlockQ4_1Ggjt1, BlockQ4_2, BlockQ4_3, BlockQ5_0Ggjt1, BlockQ5_1Ggjt1, BlockQ4_0Ggjt2,
              BlockQ4_1Ggjt2, BlockQ8_0Ggjt2>;

static_assert(AllBlocks::kFitTheirDtypes);
static_assert([] {
  std::size_t block_types = 0;
  for (const DtypeInfo& info : kDtypes) block_types += info.is_block_quantised;
  return AllBlocks::kCount == block_types;
}());

// The 6-bit scales of Q3_K, 32 too large: low nibbles in bytes 0-7, high bits in bytes 8-11.
struct ScalesQ3 {
  std::int8_t scale[16];  // of 16 values each, -32..31
};
inline ScalesQ3 UnpackScalesQ3(const std::uint8_t (&packed)[12]) {
  ScalesQ3 scales;
  for (int i = 0; i < 16; ++i) {
    const int low = packed[i % 8] >> (i / 8 * 4) & 15;
    const int high = packed[8 + i % 4] >> (i / 4 * 2) & 3;
    scales.scale[i] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
  return scales;
}

// The 6-bit scales and minima of Q4_K and Q5_K: those of the first four groups of 32 values in the
// low bits of bytes 0-7; those of the last four in the nibbles of bytes 8-11 and the bits left.
struct ScalesQ4 {
  std::uint8_t scale[8];
  std::uint8_t minimum[8];
};
inline ScalesQ4 UnpackScalesQ4(const std::uint8_t (&packed)[12]) {
  ScalesQ4 scales;
  for (int i = 0; i < 4; ++i) {
    scales.scale[i] = packed[i] & 63;
    scales.minimum[i] = packed[i + 4] & 63;
    scales.scale[i + 4] = static_cast<std::uint8_t>((packed[i + 8] & 15) | packed[i] >> 6 << 4);
    scales.minimum[i + 4] = static_cast<std::uint8_t>(packed[i + 8] >> 4 | packed[i + 4] >> 6 << 4);
  }
  return scales;
}

// The scale of a group of 32 values of IQ4_XS, -32..31.
inline int ScaleIq4Xs(const BlockIq4Xs& block, int group) {
  const int low = block.scales_l[group / 2] >> (group % 2 * 4) & 15;
  const int high = block.scales_h.Get() >> (group * 2) & 3;
  return (low | high << 4) - 32;
}

// The f16 bits of IQ1_M that lie in quarters on top of its scales.
inline F16 ScaleIq1M(const BlockIq1M& block) {
  unsigned bits = 0;
  for (int i = 0; i < 4; ++i) bits |= static_cast<unsigned>(block.scales[i].Get() >> 12) << (4 * i);
  return {{static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8)}};
}

}  // namespace hallmark
