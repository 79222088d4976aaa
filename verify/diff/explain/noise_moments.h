// Whether the single values of a difference are Gaussian and of one size, as added noise is.
#pragma once

#include <cstdint>

#include "verify/diff/explain/tensor_values.h"

namespace hallmark {

// Of the differences where the types are fine enough not to distort them: where a step of either
// type at a is at most half the size of the difference. Choosing by a alone keeps noise that is
// independent of a what it is.
struct NoiseMoments {
  std::uint64_t values = 0;  // that were fine enough; too few, and the rest says nothing
  double sigma = 0;          // of the differences
  double kurtosis = 0;       // 3: Gaussian; 1: one size, random signs; more: heavy tails
  double size_of_a = 0;      // root mean square of all of a
};
NoiseMoments MeasureNoise(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b);

}  // namespace hallmark
