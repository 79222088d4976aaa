// Exact widening of the float types to f64: the values that identities and comparisons speak of.
#pragma once

#include <span>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// out[i] = the i-th little-endian value of `bytes`, exactly; a NaN keeps its sign and its payload,
// shifted left, and is not quieted (docs/identity.md, 1.6). `dtype` is of the float family and
// `bytes` holds out.size() values.
void WidenToF64(Dtype dtype, ByteSpan bytes, std::span<double> out);

}  // namespace hallmark
