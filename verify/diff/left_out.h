// Tensors that are no part of the weight identity, since they follow from the configuration,
// compared all the same: programs use those that are there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "verify/diff/compared_model.h"

namespace hallmark {

struct LeftOutDifference {
  std::optional<TensorDiff::Side> a, b;  // absent: that model has no such tensor

  const std::string& Name() const { return (a ? a : b)->stored_name; }
};

// Those of one name that do not hold the same values; and scaled rotary frequencies of GGUF that
// only one of two GGUF models has. Errors: of reading; kInterrupted.
Result<std::vector<LeftOutDifference>> CompareLeftOut(const ComparedModel& a,
                                                      const ComparedModel& b, const Task& task);

}  // namespace hallmark
