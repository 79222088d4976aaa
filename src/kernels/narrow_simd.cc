#include "src/kernels/narrow_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/narrow_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::CappedTag<std::uint32_t, kSimdBatch>;
using Ints = hn::RebindToSigned<Words>;
using Floats = hn::RebindToFloat<Words>;
using Halves = hn::Rebind<std::uint16_t, Words>;

// A bf16 is the upper half of an f32, subnormals and NaNs included.
bool F32ToBf16(const std::uint32_t* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
               std::size_t count) {
  const Words words;
  const Ints ints;
  const Halves halves;
  auto lost = hn::Zero(words);
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    const auto value = hn::LoadU(words, in + i);
    lost = hn::Or(lost, value);
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(ints, hn::ShiftRight<16>(value))), halves, out + i);
  }
  return hn::AllTrue(words, hn::Eq(hn::And(lost, hn::Set(words, 0xffff)), hn::Zero(words)));
}

bool F32ToF16(const std::uint32_t* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
              std::size_t count) {
  const Words words;
  const Ints ints;
  const Floats floats;
  const Halves halves;
  auto misfits = hn::Zero(ints);
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    const auto value = hn::LoadU(words, in + i);
    const auto magnitude = hn::BitCast(ints, hn::And(value, hn::Set(words, 0x7fffffff)));
    // f16 normals are 2^-14 .. 65504 with 10 fraction bits.
    const auto small = hn::Lt(magnitude, hn::Set(ints, 0x38800000));
    const auto special = hn::Gt(magnitude, hn::Set(ints, 0x7f7fffff));
    const auto large = hn::Gt(magnitude, hn::Set(ints, 0x477fffff));

    // f16 subnormals are whole multiples of 2^-24; scaling by a power of two is exact. Should the
    // processor be set to take subnormals for zero, they are misfits all the same.
    const auto tiny = hn::IfThenElseZero(small, magnitude);
    const auto multiple = hn::Mul(hn::BitCast(floats, tiny), hn::Set(floats, 16777216.0f));
    const auto whole = hn::ConvertTo(ints, multiple);
    const auto inexact = hn::AndNot(
        hn::VecFromMask(ints, hn::RebindMask(ints, hn::Eq(hn::ConvertTo(floats, whole), multiple))),
        hn::Set(ints, -1));
    const auto vanished = hn::IfThenElseZero(hn::Eq(whole, hn::Zero(ints)), tiny);

    // 0x38000000 moves an exponent from one bias to the other, 0x70000000 from 255 to 31.
    const auto bias =
        hn::Add(hn::Set(ints, 0x38000000), hn::IfThenElseZero(special, hn::Set(ints, 0x38000000)));
    const auto shifted = hn::ShiftRight<13>(hn::Sub(magnitude, bias));
    const auto dropped = hn::IfThenZeroElse(small, hn::And(magnitude, hn::Set(ints, 0x1fff)));
    const auto overflow = hn::IfThenZeroElse(special, hn::IfThenElseZero(large, hn::Set(ints, 1)));
    misfits = hn::Or(misfits, hn::Or(hn::Or(inexact, vanished), hn::Or(dropped, overflow)));

    const auto half = hn::And(hn::IfThenElse(small, whole, shifted), hn::Set(ints, 0x7fff));
    const auto sign = hn::And(hn::ShiftRight<16>(value), hn::Set(words, 0x8000));
    hn::StoreU(hn::DemoteTo(halves, hn::Or(half, hn::BitCast(ints, sign))), halves, out + i);
  }
  return hn::AllTrue(ints, hn::Eq(misfits, hn::Zero(ints)));
}

// The f32 pattern of each f16, subnormals and NaNs included.
HWY_INLINE hn::Vec<Ints> WidenF16(const std::uint16_t* HWY_RESTRICT in) {
  const Ints ints;
  const Floats floats;
  const auto value = hn::PromoteTo(ints, hn::LoadU(Halves(), in));
  const auto magnitude = hn::And(value, hn::Set(ints, 0x7fff));
  const auto small = hn::Lt(magnitude, hn::Set(ints, 0x400));
  const auto special = hn::Gt(magnitude, hn::Set(ints, 0x7bff));
  const auto tiny = hn::BitCast(
      ints, hn::Mul(hn::ConvertTo(floats, magnitude), hn::Set(floats, 1.0f / 16777216.0f)));
  const auto bias =
      hn::Add(hn::Set(ints, 0x38000000), hn::IfThenElseZero(special, hn::Set(ints, 0x38000000)));
  const auto wide = hn::IfThenElse(small, tiny, hn::Add(hn::ShiftLeft<13>(magnitude), bias));
  return hn::Or(wide, hn::ShiftLeft<16>(hn::And(value, hn::Set(ints, 0x8000))));
}

bool F16ToBf16(const std::uint16_t* HWY_RESTRICT in, std::uint16_t* HWY_RESTRICT out,
               std::size_t count) {
  const Ints ints;
  auto lost = hn::Zero(ints);
  for (std::size_t i = 0; i < count; i += hn::Lanes(ints)) {
    const auto wide = WidenF16(in + i);
    lost = hn::Or(lost, wide);
    const auto upper = hn::ShiftRight<16>(hn::BitCast(Words(), wide));
    hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(ints, upper)), Halves(), out + i);
  }
  return hn::AllTrue(ints, hn::Eq(hn::And(lost, hn::Set(ints, 0xffff)), hn::Zero(ints)));
}

bool F16ToF32(const std::uint16_t* HWY_RESTRICT in, std::uint32_t* HWY_RESTRICT out,
              std::size_t count) {
  const Words words;
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    hn::StoreU(hn::BitCast(words, WidenF16(in + i)), words, out + i);
  }
  return true;
}

bool Bf16ToF32(const std::uint16_t* HWY_RESTRICT in, std::uint32_t* HWY_RESTRICT out,
               std::size_t count) {
  const Words words;
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    const auto upper = hn::PromoteTo(words, hn::LoadU(Halves(), in + i));
    hn::StoreU(hn::ShiftLeft<16>(upper), words, out + i);
  }
  return true;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(F32ToBf16);
HWY_EXPORT(F32ToF16);
HWY_EXPORT(F16ToBf16);
HWY_EXPORT(F16ToF32);
HWY_EXPORT(Bf16ToF32);

bool SimdF32ToBf16(const std::uint32_t* in, std::uint16_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F32ToBf16)(in, out, count);
}
bool SimdF32ToF16(const std::uint32_t* in, std::uint16_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F32ToF16)(in, out, count);
}
bool SimdF16ToBf16(const std::uint16_t* in, std::uint16_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F16ToBf16)(in, out, count);
}
bool SimdF16ToF32(const std::uint16_t* in, std::uint32_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F16ToF32)(in, out, count);
}
bool SimdBf16ToF32(const std::uint16_t* in, std::uint32_t* out, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(Bf16ToF32)(in, out, count);
}

}  // namespace hallmark
#endif
