// The fast ways behind Quantise, for whatever vectors the processor has.
#pragma once

#include <span>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// As Quantise, of sizes that have been checked. Nothing need be aligned but the floats.
bool SimdQuantise(Dtype dtype, std::span<const float> values, std::size_t row_length,
                  std::span<const float> importance, MutableByteSpan blocks);

}  // namespace hallmark
