// The scales that were found for the groups of a block, rounded to the few bits it has for them.
// ggml-quants.c of llama.cpp, in the same order of operations.
#pragma once

#include "src/kernels/blocks.h"

namespace hallmark {

// Of each group of a block, first to last.
struct GroupFits {
  const float* scales;
  const float* minima;       // not of q3_k and q6_k
  const float* weight_sums;  // null without importance; not of q6_k
};

// Sets d, dmin and scales of the block, and `scales` and `minima` to what they stand for now: the
// minima of types without any to zero.
void RoundScales(const GroupFits& fits, BlockQ2_K& block, float* scales, float* minima);
void RoundScales(const GroupFits& fits, BlockQ3_K& block, float* scales, float* minima);
void RoundScales(const GroupFits& fits, BlockQ4_K& block, float* scales, float* minima);
void RoundScales(const GroupFits& fits, BlockQ5_K& block, float* scales, float* minima);
void RoundScales(const GroupFits& fits, BlockQ6_K& block, float* scales, float* minima);

// The same of the types whose levels are a table's: what values are multiplied by to find theirs.
void RoundScales(const GroupFits& fits, BlockIq4Nl& block, float* inverses);
void RoundScales(const GroupFits& fits, BlockIq4Xs& block, float* inverses);

// Whether a q6_k block of these scales is zeros and nothing else.
bool ScalesAreNothing(const float* scales);

}  // namespace hallmark
