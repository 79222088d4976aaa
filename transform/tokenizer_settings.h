// What stands beside a vocabulary: which ids have a role, what is put around a text, how a chat is
// laid out. By the rules of gguf-py's SpecialVocab, so that a GGUF says what llama.cpp's would.
#pragma once

#include <optional>

#include "src/io/folder.h"
#include "src/json/json_reader.h"
#include "transform/tokenizer.h"
#include "transform/tokenizer_json.h"

namespace hallmark {

// The files of one folder, each absent where the folder lacks it.
struct TokenizerSources {
  std::optional<TokenizerJson> tokenizer_json;
  std::optional<JsonDocument> tokenizer_config;  // tokenizer_config.json
  std::optional<JsonDocument> config;            // config.json
};

// All of a small JSON file; nullopt if the folder has none.
Result<std::optional<JsonDocument>> ReadJsonFile(const Folder& folder, std::string_view path);

// Fills in special_ids, adds and chat_templates of a tokenizer whose tokens are there.
Result<void> ReadSettings(const Folder& folder, const TokenizerSources& sources,
                          Tokenizer& tokenizer);

}  // namespace hallmark
