// Many tensors in few lines: names that differ only in layer or expert numbers become one pattern.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/tensor/tensor_info.h"

namespace hallmark {

struct TensorPattern {
  std::string pattern;  // "model.layers.{0-31}.mlp.up_proj.weight"; may hold hostile bytes
  Dtype dtype;
  Shape shape;
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;  // of payload, all tensors together
};

// Tensors of one element type and shape fold together when their names differ in whole components
// that are decimal numbers, and every combination of those numbers is there. In the order of first
// appearance. A name that occurs in several shards counts once a shard.
std::vector<TensorPattern> FoldTensors(std::span<const TensorInfo* const> tensors);

}  // namespace hallmark
