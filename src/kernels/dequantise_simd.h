// The fast ways behind Dequantise, for whatever vectors the processor has.
#pragma once

#include <cstddef>

#include "src/tensor/dtype.h"

namespace hallmark {

// Dequantises `count` blocks of a block type. Nothing need be aligned.
void SimdDequantise(Dtype dtype, const std::byte* blocks, std::size_t count, float* values);

}  // namespace hallmark
