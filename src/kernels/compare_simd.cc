#include "src/kernels/compare_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/compare_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

#include <span>
#include <vector>

#include "src/base/error.h"
#include "src/kernels/narrow.h"

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_NATIVE_FMA

using Floats = hn::CappedTag<float, kCompareLanes / 2>;
using Ints = hn::RebindToUnsigned<Floats>;
using Vec = hn::Vec<Floats>;

// Which lanes the two vectors of a load hold: one half each, or every other value.
enum class Order { kHalves, kEvenOdd };

// How 2 * Lanes(Floats()) values are loaded, and counted by their patterns.
struct F32 {
  using Element = float;
  static constexpr Order kOrder = Order::kHalves;

  static HWY_INLINE void Load(const float* HWY_RESTRICT from, Vec& first, Vec& second) {
    const Floats floats;
    first = hn::LoadU(floats, from);
    second = hn::LoadU(floats, from + hn::Lanes(floats));
  }
  static HWY_INLINE void CountHalf(Vec a, Vec b, BatchComparison& batch) {
    const Ints ints;
    const auto x = hn::BitCast(ints, a), y = hn::BitCast(ints, b);
    const auto zero_x = hn::Eq(hn::Add(x, x), hn::Zero(ints));
    const auto zero_y = hn::Eq(hn::Add(y, y), hn::Zero(ints));
    const auto signs = hn::MaskFromVec(
        hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<Ints>(), hn::Xor(x, y))));
    const auto flips = hn::AndNot(hn::Or(hn::RebindMask(hn::RebindToSigned<Ints>(), zero_x),
                                         hn::RebindMask(hn::RebindToSigned<Ints>(), zero_y)),
                                  signs);
    batch.differing += static_cast<std::uint32_t>(hn::CountTrue(ints, hn::Ne(x, y)));
    batch.zeros_a += static_cast<std::uint32_t>(hn::CountTrue(ints, zero_x));
    batch.zeros_b += static_cast<std::uint32_t>(hn::CountTrue(ints, zero_y));
    batch.sign_flips +=
        static_cast<std::uint32_t>(hn::CountTrue(hn::RebindToSigned<Ints>(), flips));
  }
  static HWY_INLINE void Count(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                               BatchComparison& batch) {
    Vec a0, a1, b0, b1;
    Load(a, a0, a1);
    Load(b, b0, b1);
    CountHalf(a0, b0, batch);
    CountHalf(a1, b1, batch);
  }
};

struct Halves {
  using Element = std::uint16_t;
  using Tag = hn::Repartition<std::uint16_t, Floats>;

  static HWY_INLINE void Count(const std::uint16_t* HWY_RESTRICT a,
                               const std::uint16_t* HWY_RESTRICT b, BatchComparison& batch) {
    const Tag tag;
    const hn::RebindToSigned<Tag> ints;
    const auto x = hn::LoadU(tag, a), y = hn::LoadU(tag, b);
    const auto zero_x = hn::Eq(hn::Add(x, x), hn::Zero(tag));
    const auto zero_y = hn::Eq(hn::Add(y, y), hn::Zero(tag));
    const auto signs = hn::MaskFromVec(hn::BroadcastSignBit(hn::BitCast(ints, hn::Xor(x, y))));
    const auto flips =
        hn::AndNot(hn::Or(hn::RebindMask(ints, zero_x), hn::RebindMask(ints, zero_y)), signs);
    batch.differing += static_cast<std::uint32_t>(hn::CountTrue(tag, hn::Ne(x, y)));
    batch.zeros_a += static_cast<std::uint32_t>(hn::CountTrue(tag, zero_x));
    batch.zeros_b += static_cast<std::uint32_t>(hn::CountTrue(tag, zero_y));
    batch.sign_flips += static_cast<std::uint32_t>(hn::CountTrue(ints, flips));
  }
};

struct F16 : Halves {
  static constexpr Order kOrder = Order::kHalves;

  static HWY_INLINE void Load(const std::uint16_t* HWY_RESTRICT from, Vec& first, Vec& second) {
    const Floats floats;
    const hn::Rebind<hwy::float16_t, Floats> halves;
    const auto* const values = reinterpret_cast<const hwy::float16_t*>(from);
    first = hn::PromoteTo(floats, hn::LoadU(halves, values));
    second = hn::PromoteTo(floats, hn::LoadU(halves, values + hn::Lanes(floats)));
  }
};

struct Bf16 : Halves {
  static constexpr Order kOrder = Order::kEvenOdd;

  static HWY_INLINE void Load(const std::uint16_t* HWY_RESTRICT from, Vec& even, Vec& odd) {
    const Floats floats;
    const Ints ints;
    const auto pairs = hn::BitCast(ints, hn::LoadU(Halves::Tag(), from));
    even = hn::BitCast(floats, hn::ShiftLeft<16>(pairs));
    odd = hn::BitCast(floats, hn::And(pairs, hn::Set(ints, 0xffff0000u)));
  }
};

// Running sums of the pairs in one vector of lanes.
struct Sums {
  Vec squares_of_difference;
  Vec squares_a;
  Vec squares_b;
  Vec products;
};

// The largest differences so far, in every lane.
struct Largest {
  Vec abs;
  Vec relative;
  Vec worth_dividing;  // a little less than `relative`, so that no rounding hides a larger one
};

// What a larger relative difference must exceed before it is reckoned: none exceeds 2.
HWY_INLINE Vec WorthDividing(Vec relative) {
  const Floats floats;
  const auto most = hn::Set(floats, 2.0f);
  return hn::IfThenElse(hn::Ge(relative, most), hn::Set(floats, 3.0f),
                        hn::Mul(relative, hn::Set(floats, 1.0f - 0x1p-21f)));
}

HWY_NOINLINE void RaiseRelative(Vec distance, Vec magnitude, Largest& largest) {
  const Floats floats;
  const auto counts = hn::Ge(magnitude, hn::Set(floats, kLeastRelative));
  const auto ratio = hn::IfThenElseZero(counts, hn::Div(distance, magnitude));
  largest.relative = hn::MaxOfLanes(floats, hn::Max(largest.relative, ratio));
  largest.worth_dividing = WorthDividing(largest.relative);
}

HWY_INLINE void Take(Vec a, Vec b, Sums& sums, Largest& largest) {
  const Floats floats;
  const auto difference = hn::Sub(a, b);
  sums.squares_of_difference = hn::MulAdd(difference, difference, sums.squares_of_difference);
  sums.squares_a = hn::MulAdd(a, a, sums.squares_a);
  sums.squares_b = hn::MulAdd(b, b, sums.squares_b);
  sums.products = hn::MulAdd(a, b, sums.products);
  const auto distance = hn::Abs(difference);
  largest.abs = hn::Max(largest.abs, distance);
  const auto magnitude = hn::Max(hn::Abs(a), hn::Abs(b));
  const auto larger = hn::Gt(distance, hn::Mul(magnitude, largest.worth_dividing));
  if (HWY_UNLIKELY(!hn::AllFalse(floats, larger))) RaiseRelative(distance, magnitude, largest);
}

// Puts the lanes of the two vectors of a load into the order of values; `part`: the first.
void StoreLanes(Order order, Vec first, Vec second, std::size_t part,
                float (&lanes)[kCompareLanes]) {
  const Floats floats;
  const std::size_t width = hn::Lanes(floats);
  float stored[kCompareLanes];
  hn::StoreU(first, floats, stored);
  hn::StoreU(second, floats, stored + width);
  for (std::size_t i = 0; i < width; ++i) {
    lanes[part + (order == Order::kHalves ? i : 2 * i)] = stored[i];
    lanes[part + (order == Order::kHalves ? width + i : 2 * i + 1)] = stored[width + i];
  }
}

template <typename Format>
void CompareAs(const typename Format::Element* HWY_RESTRICT a,
               const typename Format::Element* HWY_RESTRICT b, std::size_t count,
               BatchComparison* batch) {
  const Floats floats;
  const std::size_t width = 2 * hn::Lanes(floats);
  BatchComparison result;
  Largest largest;
  largest.abs = hn::Set(floats, batch->max_abs);
  largest.relative = hn::Set(floats, batch->max_relative);
  largest.worth_dividing = WorthDividing(largest.relative);
  float squares_of_difference[kCompareLanes], squares_a[kCompareLanes];
  float squares_b[kCompareLanes], products[kCompareLanes];
  // As many lanes at a time as registers hold the sums of.
  for (std::size_t part = 0; part < kCompareLanes; part += width) {
    const auto zero = hn::Zero(floats);
    Sums first = {zero, zero, zero, zero}, second = first;
    for (std::size_t i = part; i < count; i += kCompareLanes) {
      Vec a0, a1, b0, b1;
      Format::Load(a + i, a0, a1);
      Format::Load(b + i, b0, b1);
      Format::Count(a + i, b + i, result);
      Take(a0, b0, first, largest);
      Take(a1, b1, second, largest);
    }
    StoreLanes(Format::kOrder, first.squares_of_difference, second.squares_of_difference, part,
               squares_of_difference);
    StoreLanes(Format::kOrder, first.squares_a, second.squares_a, part, squares_a);
    StoreLanes(Format::kOrder, first.squares_b, second.squares_b, part, squares_b);
    StoreLanes(Format::kOrder, first.products, second.products, part, products);
  }
  result.squares_of_difference = SumOfLanes(squares_of_difference);
  result.squares_a = SumOfLanes(squares_a);
  result.squares_b = SumOfLanes(squares_b);
  result.products = SumOfLanes(products);
  result.max_abs = hn::GetLane(hn::MaxOfLanes(floats, largest.abs));
  result.max_relative = hn::GetLane(largest.relative);
  *batch = result;
}

void CompareF32(const float* a, const float* b, std::size_t count, BatchComparison* batch) {
  CompareAs<F32>(a, b, count, batch);
}
void CompareF16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                BatchComparison* batch) {
  CompareAs<F16>(a, b, count, batch);
}
void CompareBf16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                 BatchComparison* batch) {
  CompareAs<Bf16>(a, b, count, batch);
}

#else  // without fused operations the definition is as fast as anything

void CompareF32(const float* a, const float* b, std::size_t count, BatchComparison* batch) {
  CompareBatch(a, b, count, batch);
}
void Widen(Dtype dtype, const std::uint16_t* in, std::size_t count, float* out) {
  HM_CHECK(CastExactly(dtype, Dtype::kF32, std::as_bytes(std::span(in, count)),
                       std::as_writable_bytes(std::span(out, count))));
}
void CompareHalves(Dtype dtype, const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                   BatchComparison* batch) {
  std::vector<float> wide_a(count), wide_b(count);
  Widen(dtype, a, count, wide_a.data());
  Widen(dtype, b, count, wide_b.data());
  CompareBatch(wide_a.data(), wide_b.data(), count, batch);
}
void CompareF16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                BatchComparison* batch) {
  CompareHalves(Dtype::kF16, a, b, count, batch);
}
void CompareBf16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                 BatchComparison* batch) {
  CompareHalves(Dtype::kBf16, a, b, count, batch);
}

#endif

// Patterns as whole numbers in the order of the values they stand for.
template <typename Tag, typename V>
HWY_INLINE auto OrderOf(Tag tag, V bits) {
  const hn::RebindToSigned<Tag> ints;
  const auto magnitude = hn::And(bits, hn::Set(tag, hwy::LimitsMax<hn::TFromD<decltype(ints)>>()));
  return hn::Xor(hn::BitCast(ints, magnitude), hn::BroadcastSignBit(hn::BitCast(ints, bits)));
}

// Unsigned x >= y; not all targets compare unsigned numbers.
template <typename V>
HWY_INLINE auto AtLeast(V x, V y) {
  return hn::Eq(hn::Max(x, y), x);
}

template <typename Bits>
void CountUlps(const Bits* HWY_RESTRICT a, const Bits* HWY_RESTRICT b, std::size_t count,
               Bits infinity, UlpCounts* counts) {
  const hn::CappedTag<Bits, kCompareLanes> tag;
  const auto magnitude_bits = hn::Set(tag, static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1));
  for (std::size_t i = 0; i < count; i += hn::Lanes(tag)) {
    const auto x = hn::LoadU(tag, a + i), y = hn::LoadU(tag, b + i);
    const auto larger = hn::Max(hn::And(x, magnitude_bits), hn::And(y, magnitude_bits));
    const auto number = AtLeast(hn::Set(tag, infinity), larger);
    counts->pairs += hn::CountTrue(tag, number);
    const auto order_x = OrderOf(tag, x), order_y = OrderOf(tag, y);
    const auto distance = hn::IfThenElseZero(
        number, hn::BitCast(tag, hn::Sub(hn::Max(order_x, order_y), hn::Min(order_x, order_y))));
    for (std::size_t k = 0; k < 8 * sizeof(Bits); ++k) {
      const auto far = AtLeast(distance, hn::Set(tag, static_cast<Bits>(Bits{1} << k)));
      const std::size_t found = hn::CountTrue(tag, far);
      if (found == 0) break;
      counts->at_least[k] += found;
    }
  }
}

void CountUlps16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                 std::uint16_t infinity, UlpCounts* counts) {
  CountUlps(a, b, count, infinity, counts);
}
void CountUlps32(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                 std::uint32_t infinity, UlpCounts* counts) {
  CountUlps(a, b, count, infinity, counts);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(CompareF32);
HWY_EXPORT(CompareF16);
HWY_EXPORT(CompareBf16);
HWY_EXPORT(CountUlps16);
HWY_EXPORT(CountUlps32);

void SimdCompareF32(const float* a, const float* b, std::size_t count, BatchComparison* batch) {
  HWY_DYNAMIC_DISPATCH(CompareF32)(a, b, count, batch);
}
void SimdCompareF16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                    BatchComparison* batch) {
  HWY_DYNAMIC_DISPATCH(CompareF16)(a, b, count, batch);
}
void SimdCompareBf16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                     BatchComparison* batch) {
  HWY_DYNAMIC_DISPATCH(CompareBf16)(a, b, count, batch);
}
void SimdCountUlps16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                     std::uint16_t infinity, UlpCounts* counts) {
  HWY_DYNAMIC_DISPATCH(CountUlps16)(a, b, count, infinity, counts);
}
void SimdCountUlps32(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                     std::uint32_t infinity, UlpCounts* counts) {
  HWY_DYNAMIC_DISPATCH(CountUlps32)(a, b, count, infinity, counts);
}

}  // namespace hallmark
#endif
