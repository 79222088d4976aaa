// A pair of tensors that were aligned and differ: what an explanation looks at.
#pragma once

#include <string>

#include "src/io/block_source.h"
#include "src/kernels/compare.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// The bytes are row-major and little-endian; both sides hold as many values as `shape` says, and
// what is pointed to outlives the look.
struct DifferingTensor {
  std::string name;   // canonical
  std::string group;  // its layer
  Shape shape;
  Dtype dtype_a, dtype_b;
  const BlockSource* a;
  const BlockSource* b;
  const ValueComparison* values;  // of all pairs
};

}  // namespace hallmark
