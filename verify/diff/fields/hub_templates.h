// The chat templates of a folder as Hugging Face lays it out.
#pragma once

#include <vector>

#include "transform/tokenizer.h"
#include "verify/diff/fields/field_side.h"

namespace hallmark {

// Each name once; the first place that says one is that in use: chat_template.jinja, then
// additional_chat_templates, then the JSON files. Where another place has a different template of
// the same name, it follows under "NAME in FILE".
std::vector<ChatTemplate> HubChatTemplates(const FieldSide& side);

}  // namespace hallmark
