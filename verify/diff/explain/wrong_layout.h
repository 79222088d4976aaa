// Right values in wrong places: what a conversion gone wrong leaves of a tensor.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/task.h"
#include "verify/diff/explain/differing_tensor.h"

namespace hallmark {

struct WrongLayout {
  std::string what;  // for people: "rotary pairs of heads 64 wide are interleaved"
  std::string name;  // of `value`: "head_width", "factor", "offset"; or empty
  double value = 0;
  double cosine = 0;  // of the values once put right
};

// What makes b of a, if it is one of: a multiple of it, a constant added, transposed, rows of heads
// in the other rotary order, rows or (of a square matrix) columns in another order. `hidden` is
// the width of the model, or 0. Reads some thousands of values.
Result<std::optional<WrongLayout>> FindWrongLayout(const DifferingTensor& tensor,
                                                   std::uint64_t hidden, const Task& task);

// For each of `tensors`, all of one layer: the index of the other one whose values of a it holds
// in b (gate and up swapped), if there is one.
Result<std::vector<std::optional<std::size_t>>> FindSwapped(
    std::span<const DifferingTensor* const> tensors, const Task& task);

}  // namespace hallmark
