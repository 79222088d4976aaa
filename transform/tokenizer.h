// The tokenizer of a model, whichever files told of it: what docs/conversion-tokenizers.md keeps
// when a model goes from one container to another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/io/folder.h"

namespace hallmark {

// More tokens than any model has, four times over: what a lying vocab_size can make us add.
inline constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 20;

enum class TokenizerKind : std::uint8_t {
  kSentencePiece,  // merges the adjacent pieces of the best score; U+2581 is a space
  kBytePairs,      // merges by rank over the alphabet of bytes that GPT-2 drew up
};

// With the numbers that sentencepiece and GGUF both give them.
enum class TokenType : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,  // "<0x0A>"
};

struct Token {
  std::string text;  // as GGUF holds it: of byte pairs, a normal token is in GPT-2's alphabet
  float score = 0;   // of sentencepiece: the higher, the sooner merged
  TokenType type = TokenType::kNormal;
};

// Matched in a text as it is, before anything is merged.
bool IsAddedType(TokenType type);

// "[PAD7]" with id 7: a row of the embedding that no text leads to, as GGUF names it.
bool IsPaddingName(const Token& token, std::size_t id);

enum class SpecialRole : std::uint8_t {
  kBos,
  kEos,
  kUnknown,
  kSeparator,
  kPadding,
  kMask,
  kEndOfTurn,
  kEndOfMessage,
};

struct ChatTemplate {
  std::string name;  // empty: the one to use
  std::string text;  // Jinja; never run
};

struct Tokenizer {
  TokenizerKind kind = TokenizerKind::kSentencePiece;
  std::string architecture;  // GGUF's name, whose customs apply: "llama"; empty: not known
  // How text is cut before byte pairs are merged: a name of pre_tokenizers.h. Empty: the steps
  // have no name, and pre_tokenizer_steps spells them.
  std::string pre_tokenizer;
  std::string pre_tokenizer_steps;
  std::vector<Token> tokens;        // by id
  std::vector<std::string> merges;  // "left right", best first; none for sentencepiece
  // In the order in which they were told, each role once; ids are below tokens.size().
  std::vector<std::pair<SpecialRole, std::uint32_t>> special_ids;
  // Whether bos, eos or a separator is put around every text, in the order told.
  std::vector<std::pair<SpecialRole, bool>> adds;
  std::optional<bool> add_space_prefix;
  std::vector<ChatTemplate> chat_templates;
  std::vector<std::string> notes;  // what of the files is not in here, for a report

  std::optional<std::uint32_t> IdOf(SpecialRole role) const;
  // What sentencepiece makes of text that is no token; llama.cpp's converter may call it kControl.
  std::optional<std::uint32_t> UnknownId() const;
  // How many there are without the padding at the end.
  std::size_t CountWithoutPadding() const;
  // As told, else what llama.cpp does: bos for sentencepiece and some pre-tokenizers, nothing else.
  bool Adds(SpecialRole role) const;
  bool AddsSpacePrefix() const {  // likewise: sentencepiece does
    return add_space_prefix.value_or(kind == TokenizerKind::kSentencePiece);
  }
  void SetId(SpecialRole role, std::uint32_t id);  // in place if the role has one
  void SetAdds(SpecialRole role, bool add);
};

// The tokenizer that lies in a model's folder as Hugging Face or Meta publish it; nullopt: none.
// tokenizer.model (sentencepiece) is preferred, then tokenizer.json, then tokenizer.model (ranks);
// config.json, tokenizer_config.json, added_tokens.json, params.json and the chat templates add to
// it by the rules of llama.cpp's convert_hf_to_gguf.py.
// Errors: kMalformed; kUnsupported (a Unigram or WordPiece model, one too large); kIo.
Result<std::optional<Tokenizer>> ReadTokenizer(const Folder& folder);

struct TokenizerFile {
  std::string name;
  std::vector<std::byte> bytes;
};

enum class TokenizerFiles : std::uint8_t {
  kHuggingFace,  // tokenizer.json, tokenizer_config.json; of sentencepiece also tokenizer.model
  kMeta,         // tokenizer.model
};

// Files that give the same ids for the same text. kUnsupported: what these files cannot hold.
Result<std::vector<TokenizerFile>> WriteTokenizerFiles(const Tokenizer& tokenizer,
                                                       TokenizerFiles files);

}  // namespace hallmark
