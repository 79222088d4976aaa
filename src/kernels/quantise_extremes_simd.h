// Blocks whose scale comes from their extremes alone, each on its own: nothing is summed, so that
// values can lie in the lanes in their order.
// Included once for each target, by files that include <hwy/highway.h> through foreach_target.
#if defined(HALLMARK_QUANTISE_EXTREMES_SIMD_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HALLMARK_QUANTISE_EXTREMES_SIMD_H_
#undef HALLMARK_QUANTISE_EXTREMES_SIMD_H_
#else
#define HALLMARK_QUANTISE_EXTREMES_SIMD_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/kernels/codebooks.h"
#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_definition.h"
#include "src/kernels/quantise_fit.h"
#include "src/kernels/quantise_fit_simd.h"

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

// Zeros are positive.
struct Extremes {
  float lowest;
  float highest;
  bool finite;  // all values are

  float Magnitude() const { return std::max(highest, -lowest); }
};

HWY_INLINE Extremes ExtremesOf(const float* values, std::size_t count) {
  const Floats floats;
  Vec lowest = hn::LoadU(floats, values), highest = lowest;
  Mask ordered = hn::Eq(lowest, lowest);
  for (std::size_t i = hn::Lanes(floats); i < count; i += hn::Lanes(floats)) {
    const Vec x = hn::LoadU(floats, values + i);
    lowest = hn::Min(lowest, x);
    highest = hn::Max(highest, x);
    ordered = hn::And(ordered, hn::Eq(x, x));
  }
  Extremes extremes = {hn::GetLane(hn::MinOfLanes(floats, lowest)) + 0.0f,
                       hn::GetLane(hn::MaxOfLanes(floats, highest)) + 0.0f, true};
  extremes.finite = hn::AllTrue(floats, ordered) && std::isfinite(extremes.Magnitude());
  return extremes;
}

// A scale and its inverse. If not both are finite, or not all values, the definition is needed.
struct Scale {
  float scale;
  float inverse;

  explicit Scale(float value) : scale(value), inverse(value != 0 ? 1 / value : 0) {}
  bool IsSound() const { return std::isfinite(scale) && std::isfinite(inverse); }
};

// Writes the number that `level` makes of each value. `level` takes a vector of values.
template <typename Byte, typename Level>
HWY_INLINE void StoreLevels(const float* values, std::size_t count, Byte* levels,
                            const Level& level) {
  const Floats floats;
  const hn::Rebind<Byte, Floats> bytes;
  for (std::size_t i = 0; i < count; i += hn::Lanes(floats)) {
    const auto numbers = level(hn::LoadU(floats, values + i));
    hn::StoreU(hn::DemoteTo(bytes, numbers), bytes, levels + i);
  }
}

// To the nearest whole number, halves away from zero: half less the smallest step carries halves
// over and nothing else. Values are below 2^22.
HWY_INLINE hn::Vec<Ints> Rounded(Vec value) {
  const Vec half = Constant(std::bit_cast<float>(0x3effffffu));
  return hn::ConvertTo(Ints(), hn::Add(value, hn::CopySign(half, value)));
}

// Q4_0 and Q5_0. Returns false if the definition is needed, as the others do.
template <int most, typename Block>
HWY_INLINE bool QuantiseAround(const float* values, Block& block) {
  const Extremes extremes = ExtremesOf(values, 32);
  float largest = extremes.highest > -extremes.lowest ? extremes.highest : extremes.lowest;
  if (extremes.highest == -extremes.lowest) {  // what comes first counts
    largest = hallmark::ValueOfLargestMagnitude(32, values);
  }
  const Scale scale(largest / -most);
  if (!extremes.finite || !scale.IsSound()) return false;
  HWY_ALIGN std::uint8_t levels[32];
  const Vec inverse = Constant(scale.inverse), half = Constant(most + 0.5f);
  StoreLevels(values, 32, levels, [&](Vec x) HWY_ATTR {
    const auto level = hn::ConvertTo(Ints(), hn::Add(hn::Mul(x, inverse), half));
    return hn::Min(level, hn::Set(Ints(), 2 * most - 1));
  });
  block.d = ToF16(scale.scale);
  PackLevels(levels, block);
  return true;
}

// Q4_1 and Q5_1.
template <int most, typename Block>
HWY_INLINE bool QuantiseFromMinimum(const float* values, Block& block) {
  const Extremes extremes = ExtremesOf(values, 32);
  const Scale scale((extremes.highest - extremes.lowest) / most);
  if (!extremes.finite || !scale.IsSound()) return false;
  HWY_ALIGN std::uint8_t levels[32];
  const Vec inverse = Constant(scale.inverse), half = Constant(0.5f);
  const Vec lowest = Constant(extremes.lowest);
  StoreLevels(values, 32, levels, [&](Vec x) HWY_ATTR {
    const Vec level = hn::Add(hn::Mul(hn::Sub(x, lowest), inverse), half);
    return hn::Min(hn::ConvertTo(Ints(), level), hn::Set(Ints(), most));
  });
  block.d = ToF16(scale.scale);
  // Of several zeros the sign of the first counts.
  block.m = ToF16(extremes.lowest == 0 ? *std::find(values, values + 32, 0.0f) : extremes.lowest);
  PackLevels(levels, block);
  return true;
}

HWY_INLINE bool QuantiseByExtremes(const float* values, BlockQ4_0& block) {
  return QuantiseAround<8>(values, block);
}
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockQ5_0& block) {
  return QuantiseAround<16>(values, block);
}
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockQ4_1& block) {
  return QuantiseFromMinimum<15>(values, block);
}
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockQ5_1& block) {
  return QuantiseFromMinimum<31>(values, block);
}

HWY_INLINE bool QuantiseByExtremes(const float* values, BlockQ8_0& block) {
  const Extremes extremes = ExtremesOf(values, 32);
  const Scale scale(extremes.Magnitude() / 127);
  if (!extremes.finite || !scale.IsSound()) return false;
  const Vec inverse = Constant(scale.inverse);
  StoreLevels(values, 32, block.qs, [&](Vec x) HWY_ATTR { return Rounded(hn::Mul(x, inverse)); });
  block.d = ToF16(scale.scale);
  return true;
}

// TQ1_0 and TQ2_0: -1, 0 and 1 as levels 0, 1 and 2.
template <typename Block>
HWY_INLINE bool QuantiseTernary(const float* values, Block& block) {
  const Extremes extremes = ExtremesOf(values, 256);
  const Scale scale(extremes.Magnitude());
  if (!extremes.finite || !scale.IsSound()) return false;
  HWY_ALIGN std::uint8_t levels[256];
  const Vec inverse = Constant(scale.inverse);
  StoreLevels(values, 256, levels, [&](Vec x) HWY_ATTR {
    return hn::Add(Rounded(hn::Mul(x, inverse)), hn::Set(Ints(), 1));
  });
  block.d = ToF16(scale.scale);
  PackLevels(levels, block);
  return true;
}
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockTq1_0& block) {
  return QuantiseTernary(values, block);
}
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockTq2_0& block) {
  return QuantiseTernary(values, block);
}

// The nearest level, and the smaller of two: that is how many midpoints a magnitude is beyond.
HWY_INLINE bool QuantiseByExtremes(const float* values, BlockMxfp4& block) {
  const Extremes extremes = ExtremesOf(values, 32);
  if (!extremes.finite) return false;
  block.e = ExponentOfMxfp4(extremes.Magnitude());
  const float scale = HalfE8m0(block.e);
  HWY_ALIGN std::uint8_t levels[32];
  StoreLevels(values, 32, levels, [&](Vec x) HWY_ATTR {
    const Ints ints;
    const Vec magnitude = hn::Abs(x);
    auto level = hn::Zero(ints);
    for (int i = 1; i < 8; ++i) {
      const float middle = 0.5f * static_cast<float>(kFp4Levels[i - 1] + kFp4Levels[i]);
      const auto beyond = hn::Gt(magnitude, Constant(middle * scale));
      level = hn::Sub(level, hn::BitCast(ints, hn::VecFromMask(Floats(), beyond)));
    }
    const auto negative = hn::And(hn::Lt(x, hn::Zero(Floats())),
                                  hn::RebindMask(Floats(), hn::Gt(level, hn::Zero(ints))));
    return hn::Or(
        level, hn::And(hn::BitCast(ints, hn::VecFromMask(Floats(), negative)), hn::Set(ints, 8)));
  });
  PackLevels(levels, block);
  return true;
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#endif  // HALLMARK_QUANTISE_EXTREMES_SIMD_H_
