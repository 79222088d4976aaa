// One block at a time, by ggml's definition of its type.
#pragma once

#include <cstddef>

#include "src/kernels/blocks.h"

namespace hallmark {

using QuantisableBlocks = BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0,
                                    BlockQ2_K, BlockQ3_K, BlockQ4_K, BlockQ5_K, BlockQ6_K,
                                    BlockIq4Nl, BlockIq4Xs, BlockTq1_0, BlockTq2_0, BlockMxfp4>;

// What a block is made of. `values` has as many as the block, and so has `importance` unless it is
// null. `mean_square` is RowMeanSquare of the block's row; only q4_0, q4_1, q5_0 and q5_1 look at
// it, and only if there is importance.
struct BlockInput {
  const float* values;
  const float* importance;
  float mean_square;
};

// The mean of the squares of a row, summed from first to last in f32.
float RowMeanSquare(const float* row, std::size_t length);

void DefineBlock(const BlockInput& source, BlockQ4_0& block);
void DefineBlock(const BlockInput& source, BlockQ4_1& block);
void DefineBlock(const BlockInput& source, BlockQ5_0& block);
void DefineBlock(const BlockInput& source, BlockQ5_1& block);
void DefineBlock(const BlockInput& source, BlockQ8_0& block);
void DefineBlock(const BlockInput& source, BlockQ2_K& block);
void DefineBlock(const BlockInput& source, BlockQ3_K& block);
void DefineBlock(const BlockInput& source, BlockQ4_K& block);
void DefineBlock(const BlockInput& source, BlockQ5_K& block);
void DefineBlock(const BlockInput& source, BlockQ6_K& block);
void DefineBlock(const BlockInput& source, BlockIq4Nl& block);
void DefineBlock(const BlockInput& source, BlockIq4Xs& block);
void DefineBlock(const BlockInput& source, BlockTq1_0& block);
void DefineBlock(const BlockInput& source, BlockTq2_0& block);
void DefineBlock(const BlockInput& source, BlockMxfp4& block);

}  // namespace hallmark
