#include "src/kernels/round_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/round_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kRoundBatch>;
using Ints = hn::RebindToSigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using IntVec = hn::Vec<Ints>;

// Patterns of magnitudes as signed numbers: all of them are positive.
constexpr std::int32_t kInfinity = 0x7f800000;

// The sign in the upper half of an f32, where the lower has it.
HWY_INLINE IntVec SignHalf(IntVec bits) {
  const Ints ints;
  return hn::And(hn::ShiftRight<16>(bits), hn::Set(ints, 0x8000));
}

// The upper half, rounded; a carry moves into the exponent and, past the largest, to infinity.
struct ToBf16 {
  static HWY_INLINE IntVec Round(IntVec bits, IntVec magnitude) {
    const Ints ints;
    const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(ints, 1));
    const auto rounded =
        hn::ShiftRight<16>(hn::Add(magnitude, hn::Add(even, hn::Set(ints, 0x7fff))));
    const auto nan = hn::Or(hn::ShiftRight<16>(magnitude), hn::Set(ints, 0x40));
    const auto is_nan = hn::Gt(magnitude, hn::Set(ints, kInfinity));
    return hn::Or(hn::IfThenElse(is_nan, nan, rounded), SignHalf(bits));
  }
  static HWY_INLINE IntVec Widen(IntVec half) { return hn::ShiftLeft<16>(half); }
};

struct ToF16 {
  static HWY_INLINE IntVec Round(IntVec bits, IntVec magnitude) {
    const Ints ints;
    const Floats floats;
    // Normal: from one bias to the other, and 13 bits fewer.
    const auto even = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(ints, 1));
    const auto biased = hn::Sub(magnitude, hn::Set(ints, 0x38000000 - 0xfff));
    const auto normal = hn::ShiftRight<13>(hn::Add(biased, even));
    // Subnormal: the last bit of a number in [0.5, 1) is worth 2^-24, as that of a subnormal f16,
    // so that adding 0.5 rounds.
    const auto small = hn::Lt(magnitude, hn::Set(ints, 0x38800000));
    const auto tiny = hn::BitCast(floats, hn::IfThenElseZero(small, magnitude));
    const auto shifted = hn::BitCast(ints, hn::Add(tiny, hn::Set(floats, 0.5f)));
    const auto subnormal = hn::Sub(shifted, hn::Set(ints, 0x3f000000));
    const auto finite = hn::IfThenElse(small, subnormal, normal);
    const auto large = hn::Gt(magnitude, hn::Set(ints, 0x477fffff));
    const auto nan =
        hn::Or(hn::And(hn::ShiftRight<13>(magnitude), hn::Set(ints, 0x3ff)), hn::Set(ints, 0x7e00));
    const auto is_nan = hn::Gt(magnitude, hn::Set(ints, kInfinity));
    const auto half =
        hn::IfThenElse(is_nan, nan, hn::IfThenElse(large, hn::Set(ints, 0x7c00), finite));
    return hn::Or(half, SignHalf(bits));
  }
  static HWY_INLINE IntVec Widen(IntVec half) {
    const Ints ints;
    const Floats floats;
    const auto magnitude = hn::And(half, hn::Set(ints, 0x7fff));
    const auto small = hn::Lt(magnitude, hn::Set(ints, 0x400));
    const auto special = hn::Gt(magnitude, hn::Set(ints, 0x7bff));
    const auto tiny = hn::BitCast(
        ints, hn::Mul(hn::ConvertTo(floats, magnitude), hn::Set(floats, 1.0f / 16777216.0f)));
    const auto bias =
        hn::Add(hn::Set(ints, 0x38000000), hn::IfThenElseZero(special, hn::Set(ints, 0x38000000)));
    const auto wide = hn::IfThenElse(small, tiny, hn::Add(hn::ShiftLeft<13>(magnitude), bias));
    return hn::Or(wide, hn::ShiftLeft<16>(hn::And(half, hn::Set(ints, 0x8000))));
  }
};

template <typename Format>
SimdLoss RoundWith(const float* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
                   std::size_t count) {
  const Floats floats;
  const Ints ints;
  const Halves halves;
  const auto one = hn::Set(ints, 1);
  auto changed = hn::Zero(ints), overflowed = hn::Zero(ints), vanished = hn::Zero(ints);
  auto worst = hn::Zero(floats);
  for (std::size_t i = 0; i < count; i += hn::Lanes(floats)) {
    const auto value = hn::LoadU(floats, in + i);
    const auto bits = hn::BitCast(ints, value);
    const auto magnitude = hn::And(bits, hn::Set(ints, 0x7fffffff));
    const auto half = Format::Round(bits, magnitude);
    hn::StoreU(hn::DemoteTo(halves, half), halves, out + i);

    const auto wide = Format::Widen(half);
    const auto wide_magnitude = hn::And(wide, hn::Set(ints, 0x7fffffff));
    const auto is_nan = hn::Gt(magnitude, hn::Set(ints, kInfinity));
    const auto differs = hn::IfThenZeroElse(is_nan, hn::IfThenElseZero(hn::Ne(wide, bits), one));
    const auto was_finite = hn::Lt(magnitude, hn::Set(ints, kInfinity));
    const auto is_infinite = hn::Eq(wide_magnitude, hn::Set(ints, kInfinity));
    const auto is_zero = hn::Eq(wide_magnitude, hn::Zero(ints));
    changed = hn::Add(changed, differs);
    overflowed = hn::Add(overflowed, hn::IfThenElseZero(hn::And(was_finite, is_infinite), one));
    vanished = hn::Add(vanished, hn::IfThenElseZero(is_zero, differs));
    const auto error = hn::Abs(hn::Sub(hn::BitCast(floats, wide), value));
    const auto stayed = hn::AndNot(is_infinite, was_finite);
    worst = hn::Max(worst, hn::IfThenElseZero(hn::RebindMask(floats, stayed), error));
  }
  return {static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(ints, changed))),
          static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(ints, overflowed))),
          static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(ints, vanished))),
          hn::GetLane(hn::MaxOfLanes(floats, worst))};
}

SimdLoss RoundToBf16(const float* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
                     std::size_t count) {
  return RoundWith<ToBf16>(in, out, count);
}
SimdLoss RoundToF16(const float* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
                    std::size_t count) {
  return RoundWith<ToF16>(in, out, count);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(RoundToBf16);
HWY_EXPORT(RoundToF16);

SimdLoss SimdRoundToBf16(const float* in, std::uint16_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(RoundToBf16)(in, out, count);
}
SimdLoss SimdRoundToF16(const float* in, std::uint16_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(RoundToF16)(in, out, count);
}

}  // namespace hallmark
#endif
