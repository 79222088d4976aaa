// The configurations of two models in different containers, by what they mean.
#pragma once

#include "src/base/task.h"
#include "verify/diff/fields/compare_fields.h"
#include "verify/diff/fields/field_side.h"

namespace hallmark {

// config.json and params.json are taken for the keys that a conversion to GGUF would write, and
// compared with those of the other side, what readers take for a missing key included; of families
// that cannot be converted, and containers that say little, only the shape is compared. With
// `with_ids`, config.json's ids of special tokens too. Errors: kInterrupted.
Result<void> CompareConfigurations(const FieldSide& a, const FieldSide& b, bool with_ids,
                                   const Task& task, FieldComparison& out);

}  // namespace hallmark
