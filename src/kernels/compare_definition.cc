// What comparing a batch means, value after value.
#include <bit>
#include <cmath>

#include "src/base/error.h"
#include "src/kernels/compare_simd.h"

namespace hallmark {

double SumOfLanes(const float (&lanes)[kCompareLanes]) {
  double sums[kCompareLanes];
  for (std::size_t i = 0; i < kCompareLanes; ++i) sums[i] = static_cast<double>(lanes[i]);
  for (std::size_t half = kCompareLanes / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

void CompareBatch(const float* a, const float* b, std::size_t count, BatchComparison* batch) {
  HM_CHECK(count % kCompareLanes == 0);
  BatchComparison result;
  result.max_abs = batch->max_abs;
  result.max_relative = batch->max_relative;
  float squares_of_difference[kCompareLanes] = {}, squares_a[kCompareLanes] = {};
  float squares_b[kCompareLanes] = {}, products[kCompareLanes] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t lane = i % kCompareLanes;
    const float difference = a[i] - b[i];
    squares_of_difference[lane] = std::fma(difference, difference, squares_of_difference[lane]);
    squares_a[lane] = std::fma(a[i], a[i], squares_a[lane]);
    squares_b[lane] = std::fma(b[i], b[i], squares_b[lane]);
    products[lane] = std::fma(a[i], b[i], products[lane]);
    const float distance = std::abs(difference);
    const float magnitude = std::fmax(std::abs(a[i]), std::abs(b[i]));
    if (distance > result.max_abs) result.max_abs = distance;
    if (magnitude >= kLeastRelative && distance / magnitude > result.max_relative) {
      result.max_relative = distance / magnitude;
    }
    result.differing += std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i]);
    result.sign_flips += (a[i] < 0 && b[i] > 0) || (a[i] > 0 && b[i] < 0);
    result.zeros_a += a[i] == 0;
    result.zeros_b += b[i] == 0;
  }
  result.squares_of_difference = SumOfLanes(squares_of_difference);
  result.squares_a = SumOfLanes(squares_a);
  result.squares_b = SumOfLanes(squares_b);
  result.products = SumOfLanes(products);
  *batch = result;
}

}  // namespace hallmark
