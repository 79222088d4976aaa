#include "src/kernels/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/kernels/compare_simd.h"
#include "src/kernels/dequantise.h"
#include "src/kernels/float8.h"
#include "src/kernels/narrow.h"
#include "src/kernels/round.h"

namespace hallmark {
namespace {

// Sums of squares below this may have lost what f32 can't hold.
constexpr double kLeastSum = 1e-28;

using BatchCompare = void (*)(const float* a, const float* b, std::size_t count,
                              BatchComparison* batch);

// `bytes` is whole elements of type T.
template <typename T, typename Out>
void Convert(ByteSpan bytes, Out* out) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<Out>(value);
  }
}

bool FitsF32(Dtype dtype) {
  switch (dtype) {
    case Dtype::kBool:
    case Dtype::kU8:
    case Dtype::kI8:
    case Dtype::kU16:
    case Dtype::kI16:
      return true;
    default:
      return CanDequantise(dtype) || !Float8Values(dtype).empty();
  }
}

// The f32 values of a type that FitsF32; `out` has room for them.
void ToF32(Dtype dtype, ByteSpan bytes, std::span<float> out) {
  if (CanDequantise(dtype)) return Dequantise(dtype, bytes, out);
  if (const auto values = Float8Values(dtype); !values.empty()) {
    for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = values[std::to_integer<int>(bytes[i])];
    return;
  }
  switch (dtype) {
    case Dtype::kBool:
      for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = bytes[i] != std::byte{0};
      return;
    case Dtype::kU8:
      return Convert<std::uint8_t>(bytes, out.data());
    case Dtype::kI8:
      return Convert<std::int8_t>(bytes, out.data());
    case Dtype::kU16:
      return Convert<std::uint16_t>(bytes, out.data());
    default:
      HM_CHECK(dtype == Dtype::kI16);
      return Convert<std::int16_t>(bytes, out.data());
  }
}

void ToF64(Dtype dtype, ByteSpan bytes, std::span<double> out) {
  switch (dtype) {
    case Dtype::kU32:
      return Convert<std::uint32_t>(bytes, out.data());
    case Dtype::kI32:
      return Convert<std::int32_t>(bytes, out.data());
    case Dtype::kU64:
      return Convert<std::uint64_t>(bytes, out.data());
    case Dtype::kI64:
      return Convert<std::int64_t>(bytes, out.data());
    default:
      break;
  }
  if (IsFloatFamily(dtype)) {
    HM_CHECK(CastExactly(dtype, Dtype::kF64, bytes, std::as_writable_bytes(out)));
    return;
  }
  float narrow[kCompareBatch];
  ToF32(dtype, bytes, {narrow, out.size()});
  HM_CHECK(CastExactly(Dtype::kF32, Dtype::kF64, std::as_bytes(std::span(narrow, out.size())),
                       std::as_writable_bytes(out)));
}

// The bytes of values [first, first + count): whole blocks.
ByteSpan BytesOf(Dtype dtype, ByteSpan all, std::size_t first, std::size_t count) {
  const DtypeInfo& info = InfoOf(dtype);
  return all.subspan(first / info.block_values * info.block_bytes,
                     count / info.block_values * info.block_bytes);
}

bool IsAligned(const void* pointer, std::size_t to) {
  return reinterpret_cast<std::uintptr_t>(pointer) % to == 0;
}

// f32 that is not more than `value`.
float RoundedDown(double value) {
  const float nearest = static_cast<float>(value);
  return static_cast<double>(nearest) > value ? std::nextafterf(nearest, 0.0f) : nearest;
}

// One call: batch after batch goes into `so_far`.
class Comparison {
 public:
  Comparison(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, bool by_definition,
             ValueComparison* so_far)
      : type_a_(type_a),
        type_b_(type_b),
        a_(a),
        b_(b),
        by_definition_(by_definition),
        in_f32_(FitsF32(type_a) && FitsF32(type_b)),
        so_far_(so_far) {
    const DtypeInfo& info = InfoOf(type_a);
    const DtypeInfo& other = InfoOf(type_b);
    HM_CHECK(CanCompare(type_a) && CanCompare(type_b));
    HM_CHECK(a.size() % info.block_bytes == 0 && b.size() % other.block_bytes == 0);
    values_ = a.size() / info.block_bytes * info.block_values;
    HM_CHECK(b.size() / other.block_bytes * other.block_values == values_);
    HM_CHECK(so_far->values % kCompareBatch == 0);
  }

  void Run() {
    for (first_ = 0; first_ < values_; first_ += count_) {
      count_ = std::min(kCompareBatch, values_ - first_);
      if (!in_f32_ || !CompareInF32()) CompareInF64();
      so_far_->values += count_;
    }
  }

 private:
  ByteSpan BatchA() const { return BytesOf(type_a_, a_, first_, count_); }
  ByteSpan BatchB() const { return BytesOf(type_b_, b_, first_, count_); }

  void WidenBoth() {
    if (widened_ == first_ + 1) return;
    ToF32(type_a_, BatchA(), {wide_a_, count_});
    ToF32(type_b_, BatchB(), {wide_b_, count_});
    widened_ = first_ + 1;
  }

  // As the values are stored. Returns false where there is no such way.
  bool CompareAsStored(BatchComparison* batch) {
    if (by_definition_ || type_a_ != type_b_ || count_ % kCompareLanes != 0) return false;
    const std::byte* const a = BatchA().data();
    const std::byte* const b = BatchB().data();
    if (type_a_ == Dtype::kF32 && IsAligned(a, 4) && IsAligned(b, 4)) {
      SimdCompareF32(reinterpret_cast<const float*>(a), reinterpret_cast<const float*>(b), count_,
                     batch);
      return true;
    }
    if ((type_a_ != Dtype::kF16 && type_a_ != Dtype::kBf16) || !IsAligned(a, 2) ||
        !IsAligned(b, 2)) {
      return false;
    }
    const auto compare = type_a_ == Dtype::kF16 ? SimdCompareF16 : SimdCompareBf16;
    compare(reinterpret_cast<const std::uint16_t*>(a), reinterpret_cast<const std::uint16_t*>(b),
            count_, batch);
    return true;
  }

  void CompareWidened(BatchComparison* batch) {
    WidenBoth();
    const std::size_t whole = (count_ + kCompareLanes - 1) / kCompareLanes * kCompareLanes;
    std::fill(wide_a_ + count_, wide_a_ + whole, 0.0f);
    std::fill(wide_b_ + count_, wide_b_ + whole, 0.0f);
    const BatchCompare compare = by_definition_ ? CompareBatch : SimdCompareF32;
    compare(wide_a_, wide_b_, whole, batch);
    batch->zeros_a -= static_cast<std::uint32_t>(whole - count_);
    batch->zeros_b -= static_cast<std::uint32_t>(whole - count_);
  }

  // Whether f32 was good enough.
  bool IsExactEnough(const BatchComparison& batch) const {
    const auto is_lost = [](double sum, std::size_t of) { return of > 0 && sum < kLeastSum; };
    return std::isfinite(batch.squares_of_difference + batch.squares_a + batch.squares_b +
                         batch.products) &&
           !is_lost(batch.squares_of_difference, batch.differing) &&
           !is_lost(batch.squares_a, count_ - batch.zeros_a) &&
           !is_lost(batch.squares_b, count_ - batch.zeros_b);
  }

  bool CompareInF32() {
    BatchComparison batch;
    batch.max_relative = RoundedDown(so_far_->max_relative);
    if (!CompareAsStored(&batch)) CompareWidened(&batch);
    if (!IsExactEnough(batch)) return false;
    if (batch.differing > 0) PlaceDifferences();
    so_far_->differing += batch.differing;
    so_far_->sign_flips += batch.sign_flips;
    so_far_->zeros_a += batch.zeros_a;
    so_far_->zeros_b += batch.zeros_b;
    so_far_->squares_of_difference += batch.squares_of_difference;
    so_far_->squares_a += batch.squares_a;
    so_far_->squares_b += batch.squares_b;
    so_far_->products += batch.products;
    if (static_cast<double>(batch.max_abs) > so_far_->max_abs) {
      so_far_->max_abs = static_cast<double>(batch.max_abs);
      so_far_->max_abs_at = PlaceOf(
          [&](std::size_t i) { return std::abs(wide_a_[i] - wide_b_[i]) == batch.max_abs; });
    }
    if (static_cast<double>(batch.max_relative) > so_far_->max_relative) {
      so_far_->max_relative = static_cast<double>(batch.max_relative);
      so_far_->max_relative_at = PlaceOf([&](std::size_t i) {
        const float magnitude = std::max(std::abs(wide_a_[i]), std::abs(wide_b_[i]));
        return magnitude >= kLeastRelative &&
               std::abs(wide_a_[i] - wide_b_[i]) / magnitude == batch.max_relative;
      });
    }
    return true;
  }

  // The first pair of the batch for which it holds; there is one.
  template <typename Predicate>
  std::uint64_t PlaceOf(const Predicate& holds) {
    WidenBoth();
    std::size_t i = 0;
    while (i + 1 < count_ && !holds(i)) ++i;
    return so_far_->values + i;
  }

  // The first and the last pair that differ; there is one in the batch.
  void PlaceDifferences() {
    const auto differs = [&](std::size_t i) {
      return std::memcmp(wide_a_ + i, wide_b_ + i, sizeof(float)) != 0;
    };
    const bool as_stored = type_a_ == type_b_ && InfoOf(type_a_).block_values == 1;
    const std::size_t width = InfoOf(type_a_).block_bytes;
    const auto differs_as_stored = [&](std::size_t i) {
      const std::size_t at = (first_ + i) * width;
      return std::memcmp(a_.data() + at, b_.data() + at, width) != 0;
    };
    if (!as_stored) WidenBoth();
    std::size_t last = count_ - 1;
    while (last > 0 && !(as_stored ? differs_as_stored(last) : differs(last))) --last;
    so_far_->last_differing = so_far_->values + last;
    if (so_far_->differing > 0) return;
    std::size_t first = 0;
    while (first < last && !(as_stored ? differs_as_stored(first) : differs(first))) ++first;
    so_far_->first_differing = so_far_->values + first;
  }

  void CompareInF64() {
    double a[kCompareBatch], b[kCompareBatch];
    ToF64(type_a_, BatchA(), {a, count_});
    ToF64(type_b_, BatchB(), {b, count_});
    // Large integers f64 can't tell apart are compared as they are.
    const bool whole_numbers = type_a_ == type_b_ && !in_f32_ && type_a_ != Dtype::kF64;
    const std::size_t width = InfoOf(type_a_).block_bytes;
    for (std::size_t i = 0; i < count_; ++i) {
      const bool differ =
          whole_numbers
              ? std::memcmp(BatchA().data() + i * width, BatchB().data() + i * width, width) != 0
              : std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]);
      Take(a[i], b[i], differ, so_far_->values + i);
    }
  }

  void Take(double a, double b, bool differ, std::uint64_t place) {
    if (differ) {
      if (so_far_->differing == 0) so_far_->first_differing = place;
      so_far_->last_differing = place;
      ++so_far_->differing;
    }
    if (!std::isfinite(a) || !std::isfinite(b)) {
      so_far_->nan_a += std::isnan(a);
      so_far_->nan_b += std::isnan(b);
      so_far_->infinite_a += std::isinf(a);
      so_far_->infinite_b += std::isinf(b);
      ++so_far_->not_finite;
      return;
    }
    const double distance = std::abs(a - b);
    const double magnitude = std::max(std::abs(a), std::abs(b));
    so_far_->sign_flips += (a < 0 && b > 0) || (a > 0 && b < 0);
    so_far_->zeros_a += a == 0;
    so_far_->zeros_b += b == 0;
    so_far_->squares_of_difference += distance * distance;
    so_far_->squares_a += a * a;
    so_far_->squares_b += b * b;
    so_far_->products += a * b;
    if (distance > so_far_->max_abs) {
      so_far_->max_abs = distance;
      so_far_->max_abs_at = place;
    }
    if (magnitude < static_cast<double>(kLeastRelative)) return;
    if (distance / magnitude > so_far_->max_relative) {
      so_far_->max_relative = distance / magnitude;
      so_far_->max_relative_at = place;
    }
  }

  const Dtype type_a_, type_b_;
  const ByteSpan a_, b_;
  const bool by_definition_;
  const bool in_f32_;
  ValueComparison* const so_far_;
  std::size_t values_;
  std::size_t first_ = 0, count_ = 0;  // of the batch
  std::size_t widened_ = 0;            // first_ + 1 of the batch in the buffers; 0: none
  alignas(64) float wide_a_[kCompareBatch];
  alignas(64) float wide_b_[kCompareBatch];
};

// Bit patterns of `unit`, in the low bits.
template <typename Bits>
void RoundAll(Dtype dtype, ByteSpan bytes, Dtype unit, std::span<Bits> out) {
  if (dtype == unit) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  } else if (IsFloatFamily(dtype)) {
    RoundTo(dtype, unit, bytes, std::as_writable_bytes(out));
  } else {
    double values[kCompareBatch];
    ToF64(dtype, bytes, {values, out.size()});
    RoundTo(Dtype::kF64, unit, std::as_bytes(std::span(values, out.size())),
            std::as_writable_bytes(out));
  }
}

void CountUlps(const std::uint16_t* a, const std::uint16_t* b, std::size_t count, Dtype unit,
               UlpCounts* counts) {
  SimdCountUlps16(a, b, count, unit == Dtype::kF16 ? 0x7c00 : 0x7f80, counts);
}
void CountUlps(const std::uint32_t* a, const std::uint32_t* b, std::size_t count, Dtype,
               UlpCounts* counts) {
  SimdCountUlps32(a, b, count, 0x7f800000, counts);
}

template <typename Bits>
void CompareUlpsAs(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, Dtype unit,
                   UlpHistogram* so_far) {
  const std::size_t values = a.size() / InfoOf(type_a).block_bytes * InfoOf(type_a).block_values;
  Bits rounded_a[kCompareBatch], rounded_b[kCompareBatch];
  UlpCounts counts;
  for (std::size_t first = 0; first < values; first += kCompareBatch) {
    const std::size_t count = std::min(kCompareBatch, values - first);
    RoundAll<Bits>(type_a, BytesOf(type_a, a, first, count), unit, {rounded_a, count});
    RoundAll<Bits>(type_b, BytesOf(type_b, b, first, count), unit, {rounded_b, count});
    const std::size_t whole = (count + kCompareLanes - 1) / kCompareLanes * kCompareLanes;
    std::fill(rounded_a + count, rounded_a + whole, Bits{0});
    std::fill(rounded_b + count, rounded_b + whole, Bits{0});
    CountUlps(rounded_a, rounded_b, whole, unit, &counts);
    counts.pairs -= whole - count;
  }
  so_far->bins[0] += counts.pairs - counts.at_least[0];
  for (std::size_t k = 0; k < std::size(counts.at_least); ++k) {
    const bool is_last = k + 1 == std::size(counts.at_least);
    so_far->bins[k + 1] += counts.at_least[k] - (is_last ? 0 : counts.at_least[k + 1]);
  }
}

}  // namespace

double ValueComparison::NothingFinite() const {
  return values == 0 ? 0 : std::numeric_limits<double>::quiet_NaN();
}

double ValueComparison::Rms() const {
  if (FinitePairs() == 0) return NothingFinite();
  return std::sqrt(squares_of_difference / static_cast<double>(FinitePairs()));
}

double ValueComparison::Cosine() const {
  if (FinitePairs() == 0) return NothingFinite();
  if (squares_a == 0 || squares_b == 0) return squares_a == squares_b ? 1 : 0;
  if (squares_of_difference == 0) return 1;
  return std::clamp(products / (std::sqrt(squares_a) * std::sqrt(squares_b)), -1.0, 1.0);
}

double ValueComparison::RelativeNorm() const {
  if (FinitePairs() == 0) return NothingFinite();
  if (squares_of_difference == 0) return 0;
  if (squares_a == 0) return std::numeric_limits<double>::infinity();
  return std::sqrt(squares_of_difference / squares_a);
}

void ValueComparison::Append(const ValueComparison& next) {
  if (next.max_abs > max_abs) {
    max_abs = next.max_abs;
    max_abs_at = values + next.max_abs_at;
  }
  if (next.max_relative > max_relative) {
    max_relative = next.max_relative;
    max_relative_at = values + next.max_relative_at;
  }
  if (next.differing > 0) {
    if (differing == 0) first_differing = values + next.first_differing;
    last_differing = values + next.last_differing;
  }
  values += next.values;
  differing += next.differing;
  sign_flips += next.sign_flips;
  zeros_a += next.zeros_a;
  zeros_b += next.zeros_b;
  nan_a += next.nan_a;
  nan_b += next.nan_b;
  infinite_a += next.infinite_a;
  infinite_b += next.infinite_b;
  not_finite += next.not_finite;
  squares_of_difference += next.squares_of_difference;
  squares_a += next.squares_a;
  squares_b += next.squares_b;
  products += next.products;
}

void UlpHistogram::Append(const UlpHistogram& next) {
  for (std::size_t i = 0; i < bins.size(); ++i) bins[i] += next.bins[i];
}

bool CanCompare(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64:
    case Dtype::kU32:
    case Dtype::kI32:
    case Dtype::kU64:
    case Dtype::kI64:
      return true;
    default:
      return FitsF32(dtype);
  }
}

void CompareValues(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, ValueComparison* so_far) {
  Comparison(type_a, a, type_b, b, false, so_far).Run();
}

void CompareValuesByDefinition(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b,
                               ValueComparison* so_far) {
  Comparison(type_a, a, type_b, b, true, so_far).Run();
}

void CompareUlps(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, Dtype unit,
                 UlpHistogram* so_far) {
  HM_CHECK(CanCompare(type_a) && CanCompare(type_b));
  HM_CHECK(unit == Dtype::kF32 || unit == Dtype::kF16 || unit == Dtype::kBf16);
  if (unit == Dtype::kF32) return CompareUlpsAs<std::uint32_t>(type_a, a, type_b, b, unit, so_far);
  return CompareUlpsAs<std::uint16_t>(type_a, a, type_b, b, unit, so_far);
}

}  // namespace hallmark
