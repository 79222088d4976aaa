// Could blocks of a quantised type be an honest rounding of given values?
#pragma once

#include <cstdint>
#include <span>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

struct BlockRounding {
  Dtype type;                // whose blocks they are
  std::uint64_t blocks = 0;  // looked at
  // Of which every value is the nearest that the block's own scales allow, or next to the middle
  // between two by no more than scales lose when they are stored, and no value is further off than
  // the largest of its group is from 0.
  std::uint64_t within = 0;
  // The largest distance of a value from its level, in steps of its scale; of values beyond the
  // first or the last level, that of the level from it. 0.5 is honest, a little more where a scale
  // was rounded after the levels were chosen.
  double worst_steps = 0;
  std::uint64_t values = 0;  // between the first and the last level
  double sum_of_steps = 0;  // of how far those lie above their levels: honest rounding adds up to 0

  double MeanSteps() const { return values == 0 ? 0 : sum_of_steps / static_cast<double>(values); }
  // Takes in what was found of further blocks of the type.
  void Append(const BlockRounding& more);
};

// Whether CheckRounding takes the type: those that Quantise makes.
bool CanCheckRounding(Dtype dtype);

// The largest ||a - b|| / ||a|| of a whole tensor that honest rounding to the type leaves of
// weights, with room: two to four times what is usual.
double LargestHonestNorm(Dtype dtype);

// Compares whole `blocks` with the values they are said to be rounded from. An honest quantiser may
// search for its scales; the levels, however, must be the nearest to the values. Values and scales
// that are not finite are never within. What is found is added to `so_far`, of this type.
void CheckRounding(Dtype dtype, ByteSpan blocks, std::span<const float> values,
                   BlockRounding* so_far);

}  // namespace hallmark
