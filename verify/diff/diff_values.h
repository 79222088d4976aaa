// The comparison of two models whose files are at hand, value by value.
#pragma once

#include "verify/diff/diff.h"
#include "weights/model.h"

namespace hallmark {

// Fills `report`, whose sides are named already. Errors: as Diff.
Result<void> DiffByValues(const Model& a, const Model& b, const DiffOptions& options,
                          const Task& task, DiffReport* report);

}  // namespace hallmark
