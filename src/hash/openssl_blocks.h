// One stream of a block function by OpenSSL's assembly.
#pragma once

#include "src/hash/block_kernels.h"

namespace hallmark {

// An AdvanceBlocks that takes one stream after another.
AdvanceBlocks OpensslBlocks(BlockFunction function);

}  // namespace hallmark
