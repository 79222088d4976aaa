// How tokenizers of byte pairs cut text before they merge: Hugging Face spells the steps out in
// tokenizer.json, GGUF gives their names (tokenizer.ggml.pre). One table leads both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark {

// One step. Text is cut around every match; matches and what lies between are kept.
struct PreTokenizerStep {
  enum class Kind : std::uint8_t {
    kSplit,        // around matches of `pattern` (tokenizers' Split: Isolated)
    kDigits,       // every digit alone (Digits: individual_digits)
    kDigitRuns,    // runs of digits (Digits)
    kPunctuation,  // runs of punctuation (Punctuation: Contiguous)
    kGpt2,         // GPT-2's pattern, and bytes become letters (ByteLevel: use_regex)
    kBytes,        // bytes become letters (ByteLevel)
    kUnknown,      // none of these; `pattern` tells it to people
  };
  Kind kind;
  std::string_view pattern = {};

  friend bool operator==(const PreTokenizerStep&, const PreTokenizerStep&) = default;
};

// What else tells tokenizers with the same steps apart; llama.cpp's converter has a name for each.
struct PreTokenizerContext {
  std::string_view architecture;  // GGUF's name
  bool adds_bos = false;
};

// One that llama.cpp has a name for.
struct PreTokenizer {
  std::string_view name;  // tokenizer.ggml.pre
  std::span<const PreTokenizerStep> steps;
  bool ignores_merges = false;   // a whole word that is a token is taken, whatever the merges say
  bool bos_unless_told = false;  // llama.cpp puts bos in front if the file does not say
  bool composes = false;  // Hugging Face's tokenizers with this name bring text into NFC first
  // Where several names have the same steps: whose this one is. Empty, absent: anybody's.
  std::string_view architecture = {};
  std::optional<bool> adds_bos = std::nullopt;
};

// The one with these steps; null: it has no name, or none that this table knows.
const PreTokenizer* FindPreTokenizer(std::span<const PreTokenizerStep> steps,
                                     const PreTokenizerContext& context);
const PreTokenizer* FindPreTokenizer(std::string_view name);

// One line for people: "Split ..., ByteLevel".
std::string SpellSteps(std::span<const PreTokenizerStep> steps);

}  // namespace hallmark
