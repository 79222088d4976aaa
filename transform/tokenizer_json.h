// tokenizer.json of the tokenizers library, and tokenizer_config.json beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/json/json_reader.h"
#include "transform/pre_tokenizers.h"
#include "transform/tokenizer.h"

namespace hallmark {

// Gemma's, the largest, has 34 MB.
inline constexpr std::uint64_t kMaxTokenizerJsonBytes = 200'000'000;

struct AddedToken {
  std::uint32_t id = 0;
  std::string text;
  bool special = false;
};

// What tokenizer.json says. Owns the document that `steps` and `post_processor` look into.
struct TokenizerJson {
  JsonDocument document;
  TokenizerKind kind = TokenizerKind::kBytePairs;
  // The model's vocabulary by id; an id that no token has is kUnused and empty.
  std::vector<Token> tokens;
  std::vector<AddedToken> added;    // in document order; may repeat tokens of the model
  std::vector<std::string> merges;  // "left right"; spaces within a part are U+0120
  std::string unknown_token;        // empty: none
  std::vector<PreTokenizerStep> steps;
  bool prepends_space = false;  // of kSentencePiece: a text begins with one
  std::optional<JsonValue> post_processor;
  std::vector<std::string> notes;
};

// Errors: kMalformed (also ids that repeat); kUnsupported (no BPE model; ids of kMaxTokens or
// more).
Result<TokenizerJson> ReadTokenizerJson(std::string_view text, std::string subject);

// {"content": ..., "id": ...} as in added_tokens; the id where it is not a member of it.
Result<AddedToken> ReadAddedToken(JsonValue value, const std::string& subject,
                                  std::optional<std::uint64_t> id = std::nullopt);

// kUnsupported: tokens that are no UTF-8 or repeat, a pre-tokenizer whose steps are not known.
Result<std::string> WriteTokenizerJson(const Tokenizer& tokenizer);
std::string WriteTokenizerConfig(const Tokenizer& tokenizer);

}  // namespace hallmark
