// Tensors that are no part of the weight identity, since they follow from the configuration,
// compared all the same: programs use those that are there.
#pragma once

#include <string>
#include <vector>

#include "src/base/task.h"
#include "weights/canonical.h"
#include "weights/model.h"

namespace hallmark {

struct LeftOutDifference {
  std::string stored_name;
  std::string a, b;  // "present", "absent", "other values"
};

// Those of one name that do not hold the same values; and scaled rotary frequencies of GGUF that
// only one of two GGUF models has. Errors: of reading; kInterrupted.
Result<std::vector<LeftOutDifference>> CompareLeftOut(const Model& a, const CanonicalModel& of_a,
                                                      const Model& b, const CanonicalModel& of_b,
                                                      const Task& task);

}  // namespace hallmark
