// The tokenizer.* keys of GGUF, with the names, types and order that gguf-py gives them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "formats/metadata.h"
#include "transform/tokenizer.h"

namespace hallmark {

struct GgufTokenizerOptions {
  // Name a pre-tokenizer that has no name "default" instead of refusing it: llama.cpp then cuts
  // text otherwise than the model was taught.
  bool allow_default_pre_tokenizer = false;
};

// kUnsupported: a pre-tokenizer without a name.
Result<std::vector<MetadataEntry>> GgufTokenizer(const Tokenizer& tokenizer,
                                                 const GgufTokenizerOptions& options = {});

// nullopt: the file has no tokenizer. `subject` is for messages. Errors: kMalformed (keys of other
// types, arrays of unequal length, scores that are no numbers); kUnsupported (a model other than
// "llama" and "gpt2", more than kMaxTokens).
Result<std::optional<Tokenizer>> ReadGgufTokenizer(std::span<const MetadataEntry> metadata,
                                                   const std::string& subject);

}  // namespace hallmark
