// The side files of two folders laid out as Hugging Face or Meta lay them out.
#pragma once

#include "src/base/task.h"
#include "verify/diff/fields/compare_fields.h"
#include "verify/diff/fields/field_side.h"

namespace hallmark {

// Errors: kInterrupted.
Result<void> CompareHubFiles(const FieldSide& a, const FieldSide& b, const Task& task,
                             FieldComparison& out);
Result<void> CompareMetaFiles(const FieldSide& a, const FieldSide& b, const Task& task,
                              FieldComparison& out);

// The chat templates of a folder: the one of chat_template.jinja is the one in use; where another
// file has a different one of the same name, it follows under "NAME in FILE".
std::vector<ChatTemplate> HubChatTemplates(const FieldSide& side);

}  // namespace hallmark
