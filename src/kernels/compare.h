// How the values of two tensors differ: counts, extremes and sums, in one pass over both.
#pragma once

#include <array>
#include <cstdint>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// Of pairs of values a (the first model's) and b, told by their places from 0. A pair in which
// either is NaN or infinite counts in `values`, `differing` and the counts of such values, and in
// nothing else.
struct ValueComparison {
  std::uint64_t values = 0;      // pairs
  std::uint64_t differing = 0;   // not the same number, bit for bit once widened: -0 is not +0
  std::uint64_t sign_flips = 0;  // one positive, the other negative; zeros are neither
  std::uint64_t zeros_a = 0, zeros_b = 0;
  std::uint64_t nan_a = 0, nan_b = 0;
  std::uint64_t infinite_a = 0, infinite_b = 0;
  std::uint64_t not_finite = 0;  // pairs in which one of the two, or both, is not finite

  double max_abs = 0;            // largest |a - b|
  std::uint64_t max_abs_at = 0;  // the first pair with it; 0 if there is none
  // Largest |a - b| / max(|a|, |b|), 0 to 2, of pairs that are not both smaller than 2^-100.
  double max_relative = 0;
  std::uint64_t max_relative_at = 0;
  std::uint64_t first_differing = 0, last_differing = 0;  // pairs; of use if `differing` is not 0

  double squares_of_difference = 0;  // sum of (a - b)^2
  double squares_a = 0, squares_b = 0;
  double products = 0;  // sum of a * b

  std::uint64_t FinitePairs() const { return values - not_finite; }
  // What follows is NaN where there are pairs, but none that is finite, and 0 where there are none.
  double Rms() const;  // root of the mean of (a - b)^2
  // 1: same direction. 1 where both are all zeros, 0 where one is.
  double Cosine() const;
  // ||a - b|| / ||a||, Frobenius; infinite where only ||a|| is 0.
  double RelativeNorm() const;

  // Takes in what was found of the pairs that come after these.
  void Append(const ValueComparison& next);

 private:
  double NothingFinite() const;
};

// How far apart values are in steps of a floating-point type: bin 0 counts equal patterns, bin k
// distances of 2^(k-1) to 2^k - 1. +0 and -0 are one step apart.
struct UlpHistogram {
  std::array<std::uint64_t, 33> bins = {};

  void Append(const UlpHistogram& next);
};

// Values are taken in batches of so many.
inline constexpr std::size_t kCompareBatch = 4096;

// Whether CompareValues takes elements of this type: all that CanDequantise, f64, integers, bool
// and 8-bit floats.
bool CanCompare(Dtype dtype);

// Compares whole elements (or blocks) of a with those of b, equally many values; they come after
// the pairs that `so_far` has, a multiple of kCompareBatch.
//
// The result depends on the values alone: not on the processor, nor on the types they are kept in,
// nor on how a tensor is cut into calls. A batch is reckoned in f32, its sums in 32 lanes with
// fused operations, and in f64, value after value, where a type holds more than f32 or sums leave
// what f32 is good for. Sums of batches are added in f64.
void CompareValues(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, ValueComparison* so_far);
// The plain definition, value after value: what CompareValues is tested against. Slow.
void CompareValuesByDefinition(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b,
                               ValueComparison* so_far);

// Counts the same pairs by their distance in steps of `unit`, f32, f16 or bf16: both values are
// rounded to it first. Pairs with a NaN are left out.
void CompareUlps(Dtype type_a, ByteSpan a, Dtype type_b, ByteSpan b, Dtype unit,
                 UlpHistogram* so_far);

}  // namespace hallmark
