// The side files of two folders laid out as Hugging Face or Meta lay them out.
#pragma once

#include "src/base/task.h"
#include "verify/diff/fields/compare_fields.h"
#include "verify/diff/fields/field_side.h"

namespace hallmark {

// All that loaders read: JSON path by path, texts by line, tokenizers' models by token, code and
// other files by bytes, chat templates by name. A file that only one side has differs; where the
// other has none at all (SideKind::kNone), it is unsettled. Errors: kInterrupted.
Result<void> CompareSideFiles(FieldSide& a, FieldSide& b, const Task& task, FieldComparison& out);

}  // namespace hallmark
