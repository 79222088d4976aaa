// Chat templates and other texts, told by the first line that differs.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "transform/tokenizer.h"
#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

// One field: "NAME, line 12" if the texts differ.
void CompareTexts(std::string_view area, std::string_view name, std::string_view a,
                  std::string_view b, FieldComparison& out);

// By name. Where `same_kind`, a template that one side lacks is a difference; else it is not
// compared.
void CompareChatTemplates(std::span<const ChatTemplate> a, std::span<const ChatTemplate> b,
                          bool same_kind, FieldComparison& out);

}  // namespace hallmark
