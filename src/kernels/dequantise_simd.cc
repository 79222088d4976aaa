#include "src/kernels/dequantise_simd.h"

#include <bit>
#include <limits>

#include "src/base/error.h"
#include "src/kernels/blocks.h"
#include "src/kernels/codebooks.h"
#include "src/kernels/dequantise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/dequantise_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

// Every type goes through one middle: a block is unpacked to whole numbers of 8 bits and the scales
// and offsets of groups of them, sixteen numbers at a time; these become f32 in one place (Expand).
// The grouping of multiplications differs from the definition's only where no product is rounded:
// f16 scales times the few bits of scales and quants fit the 24 bits of an f32.
HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR  // no vectors at all

void DequantiseBlocks(Dtype dtype, const std::byte* blocks, std::size_t count, float* values) {
  const DtypeInfo& info = InfoOf(dtype);
  DequantiseByDefinition(dtype, {blocks, count * info.block_bytes},
                         {values, count * info.block_values});
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::FixedTag<std::uint8_t, 16>;
using Words = hn::Repartition<std::uint64_t, Bytes>;
using Vec = hn::Vec<Bytes>;

// A value is scale * level, or scale * level + offset, with the scale and offset of its group.
template <std::size_t kValues, std::size_t kGroupValues, bool kWithOffset>
struct Unpacked {
  static constexpr std::size_t kGroups = kValues / kGroupValues;
  HWY_ALIGN std::int8_t level[kValues];
  float scale[kGroups];
  float offset[kWithOffset ? kGroups : 1];
};
template <std::size_t kValues, std::size_t kGroupValues = kValues>
using Scaled = Unpacked<kValues, kGroupValues, false>;
template <std::size_t kValues, std::size_t kGroupValues = kValues>
using Shifted = Unpacked<kValues, kGroupValues, true>;

template <std::size_t kValues, std::size_t kGroupValues, bool kWithOffset>
HWY_INLINE void Expand(const Unpacked<kValues, kGroupValues, kWithOffset>& unpacked, float* out) {
  const hn::CappedTag<float, kGroupValues> floats;
  const hn::RebindToSigned<decltype(floats)> ints;
  const hn::Rebind<std::int8_t, decltype(floats)> levels;
  const auto nan = hn::Set(floats, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t group = 0; group < unpacked.kGroups; ++group) {
    const auto scale = hn::Set(floats, unpacked.scale[group]);
    const auto offset = hn::Set(floats, unpacked.offset[kWithOffset ? group : 0]);
    const std::size_t end = (group + 1) * kGroupValues;
    for (std::size_t i = group * kGroupValues; i < end; i += hn::Lanes(floats)) {
      const auto level = hn::PromoteTo(ints, hn::LoadU(levels, unpacked.level + i));
      auto value = hn::Mul(hn::ConvertTo(floats, level), scale);
      if (kWithOffset) value = hn::Add(value, offset);
      hn::StoreU(hn::IfThenElse(hn::IsNaN(value), nan, value), floats, out + i);
    }
  }
}

// Widening by moving the exponent: 2^112 is the distance of the biases, infinities and NaNs need
// the rest of their exponent.
HWY_INLINE float ValueOf(F16 half) {
  const std::uint32_t bits = half.bits.Get();
  const float scaled = std::bit_cast<float>((bits & 0x7fff) << 13) * 0x1p112f;
  const std::uint32_t special = (bits & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special |
                              (bits & 0x8000) << 16);
}
HWY_INLINE float ValueOf(F32 single) { return single.Get(); }

HWY_INLINE float HalfE8m0(std::uint32_t e) {
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

HWY_INLINE float HalfUe4m3(std::uint32_t bits) {
  if (bits == 0x7f) return 0;
  const std::uint32_t fraction = bits & 7, exponent = bits >> 3 & 15;
  if (exponent == 0) return static_cast<float>(fraction) * 0x1p-10f;
  return std::bit_cast<float>((exponent + 119) << 23 | fraction << 20);
}

HWY_INLINE Vec Load(const std::uint8_t* bytes) { return hn::LoadU(Bytes(), bytes); }
HWY_INLINE void Store(Vec levels, std::int8_t* out) {
  hn::StoreU(levels, Bytes(), reinterpret_cast<std::uint8_t*>(out));
}

// Two words of 8 bytes, the first in the lower half.
HWY_INLINE Vec Pair(std::uint64_t first, std::uint64_t second) {
  const Words words;
  return hn::BitCast(Bytes(),
                     hn::InterleaveLower(words, hn::Set(words, first), hn::Set(words, second)));
}
HWY_INLINE std::uint64_t Word(const void* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

HWY_INLINE Vec Minus(Vec levels, int number) {
  return hn::Sub(levels, hn::Set(Bytes(), static_cast<std::uint8_t>(number)));
}
HWY_INLINE Vec LowNibbles(Vec bytes) { return hn::And(bytes, hn::Set(Bytes(), 15)); }
HWY_INLINE Vec HighNibbles(Vec bytes) { return hn::ShiftRight<4>(bytes); }
HWY_INLINE Vec TwoBits(Vec bytes, int shift) {
  return hn::And(hn::ShiftRightSame(bytes, shift), hn::Set(Bytes(), 3));
}
HWY_INLINE Vec Interleave(Vec even, Vec odd, int half) {
  return half == 0 ? hn::InterleaveLower(Bytes(), even, odd)
                   : hn::InterleaveUpper(Bytes(), even, odd);
}

// `number` where any of `bits` is set in the byte, else 0.
HWY_INLINE Vec WhereSet(Vec bytes, Vec bits, int number) {
  const Vec clear = hn::VecFromMask(Bytes(), hn::Eq(hn::And(bytes, bits), hn::Zero(Bytes())));
  return hn::AndNot(clear, hn::Set(Bytes(), static_cast<std::uint8_t>(number)));
}
// `number` in byte j where bit j of 16 is set, else 0.
HWY_INLINE Vec WhereSet(std::uint32_t bits, int number) {
  constexpr std::uint64_t kSpread = 0x0101010101010101;
  const std::uint64_t single = 0x8040201008040201;
  return WhereSet(Pair((bits & 255) * kSpread, (bits >> 8 & 255) * kSpread), Pair(single, single),
                  number);
}

// The magnitudes with the signs of 16 bits.
HWY_INLINE Vec WithSigns(Vec magnitudes, std::uint32_t signs) {
  const Vec negative = WhereSet(signs, 255);
  return hn::Sub(hn::Xor(magnitudes, negative), negative);
}

HWY_INLINE Vec Lookup(const std::array<std::int8_t, 16>& table, Vec indices) {
  return hn::TableLookupBytes(Load(reinterpret_cast<const std::uint8_t*>(table.data())), indices);
}

// Nibbles of 16 bytes in either order: the first or the second 16 of their 32.
enum class Order { kHalved, kInterleaved };
template <Order kOrder>
HWY_INLINE Vec Nibbles(Vec qs, int half) {
  if (kOrder == Order::kInterleaved) return Interleave(LowNibbles(qs), HighNibbles(qs), half);
  return half == 0 ? LowNibbles(qs) : HighNibbles(qs);
}

// 32 quants of 4 bits, or of 5 if the block has `qh`, less `zero`.
template <Order kOrder, typename Block>
HWY_INLINE void UnpackNibbles(const Block& block, int zero, std::int8_t* level) {
  const Vec qs = Load(block.qs);
  for (int half = 0; half < 2; ++half) {
    Vec q = Nibbles<kOrder>(qs, half);
    if constexpr (requires { block.qh; }) {
      q = hn::Or(q, WhereSet(block.qh.Get() >> (16 * half), 16));
    }
    Store(Minus(q, zero), level + 16 * half);
  }
}
template <Order kOrder, typename Block>
HWY_INLINE Scaled<32> UnpackAround(const Block& block, int zero) {
  Scaled<32> result;
  UnpackNibbles<kOrder>(block, zero, result.level);
  result.scale[0] = ValueOf(block.d);
  return result;
}
template <Order kOrder, typename Block>
HWY_INLINE Shifted<32> UnpackFromMinimum(const Block& block) {
  Shifted<32> result;
  UnpackNibbles<kOrder>(block, 0, result.level);
  result.scale[0] = ValueOf(block.d);
  result.offset[0] = ValueOf(block.m);
  return result;
}
HWY_INLINE Scaled<32> Unpack(const BlockQ4_0& block) {
  return UnpackAround<Order::kHalved>(block, 8);
}
HWY_INLINE Scaled<32> Unpack(const BlockQ4_0Ggjt1& block) {
  return UnpackAround<Order::kInterleaved>(block, 8);
}
HWY_INLINE Scaled<32> Unpack(const BlockQ4_0Ggjt2& block) {
  return UnpackAround<Order::kHalved>(block, 8);
}
HWY_INLINE Scaled<32> Unpack(const BlockQ5_0& block) {
  return UnpackAround<Order::kHalved>(block, 16);
}
HWY_INLINE Scaled<32> Unpack(const BlockQ5_0Ggjt1& block) {
  return UnpackAround<Order::kInterleaved>(block, 16);
}
HWY_INLINE Shifted<32> Unpack(const BlockQ4_1& block) {
  return UnpackFromMinimum<Order::kHalved>(block);
}
HWY_INLINE Shifted<32> Unpack(const BlockQ4_1Ggjt1& block) {
  return UnpackFromMinimum<Order::kInterleaved>(block);
}
HWY_INLINE Shifted<32> Unpack(const BlockQ4_1Ggjt2& block) {
  return UnpackFromMinimum<Order::kHalved>(block);
}
HWY_INLINE Shifted<32> Unpack(const BlockQ5_1& block) {
  return UnpackFromMinimum<Order::kHalved>(block);
}
HWY_INLINE Shifted<32> Unpack(const BlockQ5_1Ggjt1& block) {
  return UnpackFromMinimum<Order::kInterleaved>(block);
}

// The types whose quants are bytes already.
template <typename Block>
HWY_INLINE Scaled<kBlockValues<Block> > UnpackBytes(const Block& block) {
  Scaled<kBlockValues<Block> > result;
  std::memcpy(result.level, block.qs, sizeof block.qs);
  result.scale[0] = ValueOf(block.d);
  return result;
}
HWY_INLINE Scaled<32> Unpack(const BlockQ8_0& block) { return UnpackBytes(block); }
HWY_INLINE Scaled<32> Unpack(const BlockQ8_1& block) { return UnpackBytes(block); }
HWY_INLINE Scaled<256> Unpack(const BlockQ8_K& block) { return UnpackBytes(block); }
HWY_INLINE Scaled<32> Unpack(const BlockQ8_0Ggjt2& block) { return UnpackBytes(block); }

HWY_INLINE Shifted<256, 16> Unpack(const BlockQ2_K& block) {
  Shifted<256, 16> result;
  for (int i = 0; i < 256; i += 16) {
    const Vec qs = Load(block.qs + i / 128 * 32 + i % 32);
    Store(TwoBits(qs, i % 128 / 32 * 2), result.level + i);
  }
  const float d = ValueOf(block.d), dmin = ValueOf(block.dmin);
  for (int i = 0; i < 16; ++i) {
    result.scale[i] = d * static_cast<float>(block.scales[i] & 15);
    result.offset[i] = -(dmin * static_cast<float>(block.scales[i] >> 4));
  }
  return result;
}

HWY_INLINE Scaled<256, 16> Unpack(const BlockQ3_K& block) {
  Scaled<256, 16> result;
  for (int i = 0; i < 256; i += 16) {
    const Vec qs = Load(block.qs + i / 128 * 32 + i % 32);
    const Vec bit = hn::Set(Bytes(), static_cast<std::uint8_t>(1 << (i / 32)));
    const Vec high = WhereSet(Load(block.hmask + i % 32), bit, 4);
    Store(Minus(hn::Or(TwoBits(qs, i % 128 / 32 * 2), high), 4), result.level + i);
  }
  const float d = ValueOf(block.d);
  const ScalesQ3 scales = UnpackScalesQ3(block.scales);
  for (int i = 0; i < 16; ++i) result.scale[i] = d * scales.scale[i];
  return result;
}

HWY_INLINE void UnpackScales(const std::uint8_t (&packed)[12], float d, float dmin,
                             Shifted<256, 32>& result) {
  const ScalesQ4 scales = UnpackScalesQ4(packed);
  for (int i = 0; i < 8; ++i) {
    result.scale[i] = d * scales.scale[i];
    result.offset[i] = -(dmin * scales.minimum[i]);
  }
}

HWY_INLINE Shifted<256, 32> Unpack(const BlockQ4_K& block) {
  Shifted<256, 32> result;
  for (int i = 0; i < 128; i += 16) {
    const Vec qs = Load(block.qs + i);
    std::int8_t* const level = result.level + i / 32 * 64 + i % 32;
    Store(LowNibbles(qs), level);
    Store(HighNibbles(qs), level + 32);
  }
  UnpackScales(block.scales, ValueOf(block.d), ValueOf(block.dmin), result);
  return result;
}

HWY_INLINE Shifted<256, 32> Unpack(const BlockQ5_K& block) {
  Shifted<256, 32> result;
  for (int i = 0; i < 128; i += 16) {
    const Vec qs = Load(block.qs + i), qh = Load(block.qh + i % 32);
    const Vec bit = hn::Set(Bytes(), static_cast<std::uint8_t>(1 << (i / 32 * 2)));
    std::int8_t* const level = result.level + i / 32 * 64 + i % 32;
    Store(hn::Or(LowNibbles(qs), WhereSet(qh, bit, 16)), level);
    Store(hn::Or(HighNibbles(qs), WhereSet(qh, hn::Add(bit, bit), 16)), level + 32);
  }
  UnpackScales(block.scales, ValueOf(block.d), ValueOf(block.dmin), result);
  return result;
}

HWY_INLINE Scaled<256, 16> Unpack(const BlockQ6_K& block) {
  Scaled<256, 16> result;
  for (int i = 0; i < 256; i += 16) {
    const Vec ql = Load(block.ql + i / 128 * 64 + i % 64);
    const Vec qh = TwoBits(Load(block.qh + i / 128 * 32 + i % 32), i % 128 / 32 * 2);
    const Vec low = i % 128 < 64 ? LowNibbles(ql) : HighNibbles(ql);
    Store(Minus(hn::Or(low, hn::ShiftLeft<4>(qh)), 32), result.level + i);
  }
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) result.scale[i] = d * block.scales[i];
  return result;
}

// Two rows of eight columns, or four of four.
HWY_INLINE Vec Rows(const std::array<std::int8_t, 8>& first,
                    const std::array<std::int8_t, 8>& second) {
  return Pair(Word(first.data()), Word(second.data()));
}
template <std::size_t kRows>
HWY_INLINE Vec Rows(const Codebook<kRows, 4>& book, const std::size_t (&index)[4]) {
  const auto row = [&](std::size_t i) { return std::bit_cast<std::uint32_t>(book[index[i]]); };
  return Pair(row(0) | std::uint64_t{row(1)} << 32, row(2) | std::uint64_t{row(3)} << 32);
}

HWY_INLINE std::uint32_t EvenSignsOfTwo(std::uint32_t fourteen) {
  return EvenSigns(fourteen & 127) | EvenSigns(fourteen >> 7 & 127) << 8;
}

HWY_INLINE Scaled<256, 32> Unpack(const BlockIq2Xxs& block) {
  Scaled<256, 32> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 8; ++i) {
    const auto& rows = block.groups[i].rows;
    const std::uint32_t packed = block.groups[i].signs_and_scale.Get();
    Store(WithSigns(Rows(kIq2XxsRows[rows[0]], kIq2XxsRows[rows[1]]), EvenSignsOfTwo(packed)),
          result.level + 32 * i);
    Store(WithSigns(Rows(kIq2XxsRows[rows[2]], kIq2XxsRows[rows[3]]), EvenSignsOfTwo(packed >> 14)),
          result.level + 32 * i + 16);
    result.scale[i] = d * (0.5f + static_cast<float>(packed >> 28)) * 0.25f;
  }
  return result;
}

// The f32 scale of group i, whose 4 bits are in nibble i.
HWY_INLINE float ScaleIq2(float d, const std::uint8_t* nibbles, int i) {
  return d * (0.5f + static_cast<float>(nibbles[i / 2] >> (i % 2 * 4) & 15)) * 0.25f;
}

HWY_INLINE Scaled<256, 16> Unpack(const BlockIq2Xs& block) {
  Scaled<256, 16> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t first = block.qs[2 * i].Get(), second = block.qs[2 * i + 1].Get();
    const Vec rows = Rows(kIq2XsRows[first & 511], kIq2XsRows[second & 511]);
    const std::uint32_t signs = EvenSigns(first >> 9) | EvenSigns(second >> 9) << 8;
    Store(WithSigns(rows, signs), result.level + 16 * i);
    result.scale[i] = ScaleIq2(d, block.scales, i);
  }
  return result;
}

HWY_INLINE Scaled<256, 16> Unpack(const BlockIq2S& block) {
  Scaled<256, 16> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) {
    const int high = block.qh[i / 2] >> (i % 2 * 4);
    const Vec rows = Rows(kIq2SRows[block.qs[2 * i] | (high & 3) << 8],
                          kIq2SRows[block.qs[2 * i + 1] | (high >> 2 & 3) << 8]);
    const std::uint32_t signs = block.signs[2 * i] | block.signs[2 * i + 1] << 8;
    Store(WithSigns(rows, signs), result.level + 16 * i);
    result.scale[i] = ScaleIq2(d, block.scales, i);
  }
  return result;
}

HWY_INLINE Scaled<256, 32> Unpack(const BlockIq3Xxs& block) {
  Scaled<256, 32> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) {
    const std::uint8_t* const qs = block.qs + 4 * i;
    const Vec rows = Rows(kIq3XxsRows, {qs[0], qs[1], qs[2], qs[3]});
    const std::uint32_t packed = block.signs_and_scale[i / 2].Get();
    Store(WithSigns(rows, EvenSignsOfTwo(packed >> (i % 2 * 14))), result.level + 16 * i);
    result.scale[i / 2] = d * (0.5f + static_cast<float>(packed >> 28)) * 0.5f;
  }
  return result;
}

HWY_INLINE Scaled<256, 32> Unpack(const BlockIq3S& block) {
  Scaled<256, 32> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) {
    const std::uint8_t* const qs = block.qs + 4 * i;
    const unsigned high = block.qh[i / 2] >> (i % 2 * 4);
    const Vec rows = Rows(kIq3SRows, {qs[0] | (high & 1) << 8, qs[1] | (high & 2) << 7,
                                      qs[2] | (high & 4) << 6, qs[3] | (high & 8) << 5});
    const std::uint32_t signs = block.signs[2 * i] | block.signs[2 * i + 1] << 8;
    Store(WithSigns(rows, signs), result.level + 16 * i);
    const int scale = block.scales[i / 4] >> (i / 2 % 2 * 4) & 15;
    result.scale[i / 2] = d * static_cast<float>(1 + 2 * scale);
  }
  return result;
}

// Eight times row + delta, where delta is an eighth: positive or, if `negative`, negative.
HWY_INLINE Vec RowsIq1(int first, int second, bool first_negative, bool second_negative) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kMinusOnes = ~0ull;
  const Vec delta = Pair(first_negative ? kMinusOnes : kOnes, second_negative ? kMinusOnes : kOnes);
  return hn::Add(hn::ShiftLeft<3>(Rows(kIq1Rows[first], kIq1Rows[second])), delta);
}

HWY_INLINE Scaled<256, 32> Unpack(const BlockIq1S& block) {
  Scaled<256, 32> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) {
    const int packed = block.qh[i / 2].Get();
    const int high = packed >> (i % 2 * 6);
    const bool negative = (packed & 0x8000) != 0;
    Store(RowsIq1(block.qs[2 * i] | (high & 7) << 8, block.qs[2 * i + 1] | (high >> 3 & 7) << 8,
                  negative, negative),
          result.level + 16 * i);
    result.scale[i / 2] = d * static_cast<float>(2 * (packed >> 12 & 7) + 1) * 0.125f;
  }
  return result;
}

HWY_INLINE Scaled<256, 16> Unpack(const BlockIq1M& block) {
  Scaled<256, 16> result;
  const float d = ValueOf(ScaleIq1M(block));
  for (int i = 0; i < 16; ++i) {
    const int high = block.qh[i];
    Store(RowsIq1(block.qs[2 * i] | (high & 7) << 8, block.qs[2 * i + 1] | (high >> 4 & 7) << 8,
                  (high & 0x08) != 0, (high & 0x80) != 0),
          result.level + 16 * i);
    const int scale = block.scales[i / 4].Get() >> (i % 4 * 3) & 7;
    result.scale[i] = d * static_cast<float>(2 * scale + 1) * 0.125f;
  }
  return result;
}

HWY_INLINE Scaled<32> Unpack(const BlockIq4Nl& block) {
  Scaled<32> result;
  const Vec qs = Load(block.qs);
  Store(Lookup(kIq4Levels, LowNibbles(qs)), result.level);
  Store(Lookup(kIq4Levels, HighNibbles(qs)), result.level + 16);
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Scaled<256, 32> Unpack(const BlockIq4Xs& block) {
  Scaled<256, 32> result;
  const float d = ValueOf(block.d);
  for (int i = 0; i < 8; ++i) {
    const Vec qs = Load(block.qs + 16 * i);
    Store(Lookup(kIq4Levels, LowNibbles(qs)), result.level + 32 * i);
    Store(Lookup(kIq4Levels, HighNibbles(qs)), result.level + 32 * i + 16);
    result.scale[i] = d * static_cast<float>(ScaleIq4Xs(block, i));
  }
  return result;
}

// The top trit of each byte less one, which is byte * 3 >> 8: one from 86 on, two from 171 on.
HWY_INLINE Vec TopTrits(Vec bytes) {
  const Bytes tag;
  const Vec one = hn::VecFromMask(tag, hn::Gt(bytes, hn::Set(tag, 85)));
  const Vec two = hn::VecFromMask(tag, hn::Gt(bytes, hn::Set(tag, 170)));
  return hn::Sub(hn::Sub(hn::Set(tag, 255), one), two);  // a true mask is -1
}

HWY_INLINE Scaled<256> Unpack(const BlockTq1_0& block) {
  Scaled<256> result;
  for (int part = 0; part < 3; ++part) {
    Vec trits = Load(block.qs + 16 * part);
    std::int8_t* level = result.level + (part < 2 ? 16 * part : 160);
    for (int n = 0; n < 5; ++n, level += part < 2 ? 32 : 16) {
      Store(TopTrits(trits), level);
      trits = hn::Add(trits, hn::Add(trits, trits));
    }
  }
  // Four bytes of four trits each: all sixteen at once, bytes times 1, 3, 9 and 27.
  std::uint8_t trits[16];
  for (int i = 0; i < 4; ++i) trits[i] = block.qh[i];
  for (int i = 4; i < 16; ++i) trits[i] = static_cast<std::uint8_t>(trits[i - 4] * 3);
  Store(TopTrits(Load(trits)), result.level + 240);
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Scaled<256> Unpack(const BlockTq2_0& block) {
  Scaled<256> result;
  for (int i = 0; i < 256; i += 16) {
    const Vec qs = Load(block.qs + i / 128 * 32 + i % 32);
    Store(Minus(TwoBits(qs, i % 128 / 32 * 2), 1), result.level + i);
  }
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Scaled<32> Unpack(const BlockMxfp4& block) {
  Scaled<32> result;
  const Vec qs = Load(block.qs);
  Store(Lookup(kFp4Levels, LowNibbles(qs)), result.level);
  Store(Lookup(kFp4Levels, HighNibbles(qs)), result.level + 16);
  result.scale[0] = HalfE8m0(block.e);
  return result;
}

HWY_INLINE Scaled<64, 16> Unpack(const BlockNvfp4& block) {
  Scaled<64, 16> result;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t qs = Word(block.qs[i]);
    Store(Lookup(kFp4Levels, LowNibbles(Pair(qs, qs >> 4))), result.level + 16 * i);
    result.scale[i] = HalfUe4m3(block.d[i]);
  }
  return result;
}

HWY_INLINE Scaled<128> Unpack(const BlockQ1_0& block) {
  Scaled<128> result;
  for (int i = 0; i < 8; ++i) {
    const std::uint32_t bits = block.qs[2 * i] | block.qs[2 * i + 1] << 8;
    Store(Minus(WhereSet(bits, 2), 1), result.level + 16 * i);
  }
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Scaled<64> Unpack(const BlockQ2_0& block) {
  Scaled<64> result;
  const Vec qs = Load(block.qs);
  hn::StoreInterleaved4(Minus(TwoBits(qs, 0), 1), Minus(TwoBits(qs, 2), 1),
                        Minus(TwoBits(qs, 4), 1), Minus(TwoBits(qs, 6), 1), Bytes(),
                        reinterpret_cast<std::uint8_t*>(result.level));
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Scaled<16> Unpack(const BlockQ4_2& block) {
  Scaled<16> result;
  const Vec qs = Pair(Word(block.qs), 0);
  Store(Minus(Interleave(LowNibbles(qs), HighNibbles(qs), 0), 8), result.level);
  result.scale[0] = ValueOf(block.d);
  return result;
}

HWY_INLINE Shifted<16> Unpack(const BlockQ4_3& block) {
  Shifted<16> result;
  const Vec qs = Pair(Word(block.qs), 0);
  Store(Interleave(LowNibbles(qs), HighNibbles(qs), 0), result.level);
  result.scale[0] = ValueOf(block.d);
  result.offset[0] = ValueOf(block.m);
  return result;
}

struct UnpackAndExpand {
  const std::byte* blocks;
  std::size_t count;
  float* values;

  template <typename Block>
  void operator()() const {
    // A block is bytes alone, so it can be looked at wherever it lies.
    const auto* const all = reinterpret_cast<const Block*>(blocks);
    for (std::size_t i = 0; i < count; ++i)
      Expand(Unpack(all[i]), values + i * kBlockValues<Block>);
  }
};

void DequantiseBlocks(Dtype dtype, const std::byte* blocks, std::size_t count, float* values) {
  HM_CHECK(AllBlocks::Visit(dtype, UnpackAndExpand{blocks, count, values}));
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(DequantiseBlocks);

void SimdDequantise(Dtype dtype, const std::byte* blocks, std::size_t count, float* values) {
  HWY_DYNAMIC_DISPATCH(DequantiseBlocks)(dtype, blocks, count, values);
}

}  // namespace hallmark
#endif
