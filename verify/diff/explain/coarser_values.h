// Values that lost something: pruned to zero, or rounded to the few levels of a quantiser.
#pragma once

#include <optional>
#include <string>

#include "verify/diff/explain/differing_tensor.h"
#include "verify/diff/explain/tensor_values.h"

namespace hallmark {

// The values that became zero, by counts alone: their number if all that differs became zero.
std::optional<std::uint64_t> PrunedValues(const ValueComparison& values);

// How the zeros of b that are none in a lie.
enum class PruningPattern { kScattered, kTwoOfFour, kFourOfEight, kRows, kColumns };
PruningPattern PatternOf(const ValueSample& sample);

struct Quantised {
  std::string what;   // for people: "blocks of 32 values in 255 even steps, as q8_0 has"
  double block = 0;   // values a block; 0: no blocks
  double levels = 0;  // about how many a block has at most; 0 without blocks
  double bits = 0;    // of the fraction that are left, where there are no blocks
  std::optional<Dtype> stored_as = std::nullopt;  // b's type, if that says it all
};
// Whether b is a rounded to fewer levels a block, or to fewer bits. Needs at least 32 pairs,
// of blocks 2048.
std::optional<Quantised> FindQuantised(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b);

}  // namespace hallmark
