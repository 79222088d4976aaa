// What kind of difference lies between two models: damage, a merged LoRA, a fine-tune, a broken
// conversion … docs/diff-explain.md says what each kind means and how often it is told rightly.
#pragma once

#include <span>
#include <vector>

#include "src/base/task.h"
#include "verify/diff/diff_report.h"
#include "verify/diff/explain/differing_tensor.h"

namespace hallmark {

// The kinds that hold, surest first; empty where nothing differs in value. `report` is finished but
// for its explanations; `tensors` are those of it that differ in value.
//
// Reads a fixed sample: at most kMostMatrices matrices and kMostVectors vectors, of each at most a
// million pairs, and up to 1 MiB of either side of tensors that look damaged. The result depends on
// the values and names alone, not on task.threads. Errors: kIo and the like of the sources,
// kInterrupted.
Result<std::vector<Explanation>> Explain(const DiffReport& report,
                                         std::span<const DifferingTensor> tensors,
                                         const Task& task);

inline constexpr std::size_t kMostMatrices = 24;
inline constexpr std::size_t kMostVectors = 16;

}  // namespace hallmark
