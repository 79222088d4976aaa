// special_tokens_map.json and added_tokens.json, which say again what other files say, or more.
#pragma once

#include <string_view>

#include "verify/diff/fields/field_side.h"

namespace hallmark {

// Whether `file` is one of these two and says nothing that tokenizer_config.json and tokenizer.json
// beside it do not say: transformers 5 leaves it out then.
bool RepeatsOtherFiles(const FieldSide& side, std::string_view file);

// The same of tokenizer_config.json's added_tokens_decoder, and of tokenizer.json alone.
bool RepeatsAddedTokens(const FieldSide& side, const JsonValue& decoder);

}  // namespace hallmark
