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

// What it means that a side lacks something.
enum class Absence {
  kDiffers,
  kUnsettled,  // it cannot be known what it would take instead
  kNatural,    // what is of its kind never has it
};

// By name; where the absence of a template is no difference, names are those that GGUF's keys keep.
void CompareChatTemplates(std::span<const ChatTemplate> a, std::span<const ChatTemplate> b,
                          Absence absence_in_a, Absence absence_in_b, FieldComparison& out);

}  // namespace hallmark
