// The fast comparison of a batch of values, for whatever vectors the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hallmark {

// Values i, i + 32, i + 64 … are summed up in one lane, whatever the width of vectors.
inline constexpr std::size_t kCompareLanes = 32;

// Pairs both smaller than this, 2^-100, have no part in the largest relative difference: nothing
// reckoned of the others is subnormal then.
inline constexpr float kLeastRelative = 0x1p-100f;

// As ValueComparison, of one batch. The sums are not finite where a value, or a sum in f32, is not;
// the largest differences are then worth nothing.
struct BatchComparison {
  double squares_of_difference = 0;
  double squares_a = 0;
  double squares_b = 0;
  double products = 0;
  float max_abs = 0;       // at least as large as before
  float max_relative = 0;  // likewise
  std::uint32_t differing = 0;
  std::uint32_t sign_flips = 0;
  std::uint32_t zeros_a = 0;
  std::uint32_t zeros_b = 0;
};

// Adds up the lanes of each sum, in one order for all.
double SumOfLanes(const float (&lanes)[kCompareLanes]);

// The definition. `count` is a multiple of kCompareLanes and at most 2^20. Everything but max_abs
// and max_relative is written anew.
void CompareBatch(const float* a, const float* b, std::size_t count, BatchComparison* batch);

// The same in vectors. 16-bit values are bit patterns; the pointers are aligned to their elements.
void SimdCompareF32(const float* a, const float* b, std::size_t count, BatchComparison* batch);
void SimdCompareF16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                    BatchComparison* batch);
void SimdCompareBf16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                     BatchComparison* batch);

// Distances in steps of a floating-point type.
struct UlpCounts {
  std::uint64_t pairs = 0;          // without a NaN
  std::uint64_t at_least[32] = {};  // [k]: at least 2^k steps apart
};

// Adds the distances of so many pairs of patterns, a multiple of kCompareLanes. `infinity` is the
// largest pattern that is no NaN.
void SimdCountUlps16(const std::uint16_t* a, const std::uint16_t* b, std::size_t count,
                     std::uint16_t infinity, UlpCounts* counts);
void SimdCountUlps32(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                     std::uint32_t infinity, UlpCounts* counts);

}  // namespace hallmark
