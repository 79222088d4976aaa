// tokenizer.model as sentencepiece writes it: a protocol buffer, ModelProto of
// sentencepiece_model.proto. docs/conversion-tokenizers.md draws the fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transform/tokenizer.h"

namespace hallmark {

// Beyond any real model by far.
inline constexpr std::uint64_t kMaxTokenizerModelBytes = std::uint64_t{1} << 26;

struct SentencePieceModel {
  std::vector<Token> pieces;  // by id; texts are UTF-8, not empty and each there once
  // Ids of the special pieces; negative: none.
  std::int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;
  bool add_dummy_prefix = true;    // a text begins with a space
  std::string normaliser;          // by name: "identity"
  bool has_character_map = false;  // which replaces letters before they are tokenised
};

// Whether `bytes` begin like a ModelProto: with a piece.
bool LooksLikeSentencePiece(ByteSpan bytes);

// Errors: kMalformed (also pieces that repeat, are empty or no text, scores that are no numbers);
// kUnsupported (another algorithm than BPE; more than kMaxTokens pieces).
Result<SentencePieceModel> ReadSentencePiece(ByteSpan bytes, std::string subject);

// A tokenizer of kind kSentencePiece as a model that sentencepiece loads, with the same ids;
// without the padding at its end. kUnsupported: not of that kind; texts that are no UTF-8, repeat
// or are empty; no unknown piece; some, but not all, of the 256 bytes.
Result<std::vector<std::byte>> WriteSentencePiece(const Tokenizer& tokenizer);

}  // namespace hallmark
