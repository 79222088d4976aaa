// Byte pairs and scored pieces say the same in two ways, and what each leaves out is derived here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transform/tokenizer.h"

namespace hallmark {

// Bytes in GPT-2's alphabet: a byte that prints stands for itself (as Latin-1), each other one, in
// order, for a letter from U+0100.
std::string ToByteAlphabet(std::string_view bytes);
// nullopt: `text` has a letter that stands for no byte.
std::optional<std::string> FromByteAlphabet(std::string_view text);

// Every way to make a token of `tokens`, whose index is its rank, of two others: by the token's
// rank, then those of its parts. Byte by byte, "left right" in GPT-2's alphabet (as transformers'
// TikTokenConverter). kUnsupported: tokens so long or so alike that there is no end of ways.
Result<std::vector<std::string>> MergesOfRanks(std::span<const std::string> tokens,
                                               std::string_view subject);

// Every way to make a normal piece of two others: by its score, the best first, then by the
// lengths of its parts in letters, the longest first (as transformers' generate_merges).
// kUnsupported: as above.
struct MergePair {
  std::string_view left, right;
};
Result<std::vector<MergePair>> MergesOfScores(std::span<const Token> tokens,
                                              std::string_view subject);

// Gives the normal tokens scores 0, -1, -2, …: in the order in which `merges` first make them, then
// those that no merge makes, by id. What sentencepiece's trainer gave them, up to equal merges.
void ScoreByMerges(std::span<const std::string> merges, std::vector<Token>& tokens);

}  // namespace hallmark
