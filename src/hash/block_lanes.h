// The block functions with one stream in each 32-bit lane of a vector.
#pragma once

#include "src/hash/block_kernels.h"

namespace hallmark {

// Vectors of 4, 8 or 16 lanes; null where the processor's are narrower.
AdvanceBlocks BlockLanes(BlockFunction function, std::size_t lanes);

}  // namespace hallmark
