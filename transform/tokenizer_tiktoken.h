// tokenizer.model of Llama 3 as Meta publishes it: tiktoken's text, a line a token, its bytes in
// base64, a space and its rank, which is its id.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transform/tokenizer.h"

namespace hallmark {

// The bytes of each token by rank. Errors: kMalformed (a line of another form; ranks other than 0,
// 1, 2, …; a token twice; a byte that is no token); kUnsupported (more than kMaxTokens).
Result<std::vector<std::string>> ReadTiktoken(std::string_view text, std::string subject);

// The special tokens that Meta's code puts behind the ranks: 256 of them, in their order; those of
// Llama 3.1 and later, or of Llama 3.
std::vector<std::string> Llama3SpecialTokens(bool llama31);

// The normal tokens of a tokenizer of byte pairs, which are its first. kUnsupported: of another
// kind, a normal token that is not in GPT-2's alphabet or stands behind others, or what
// ReadTiktoken would refuse.
Result<std::vector<std::byte>> WriteTiktoken(const Tokenizer& tokenizer);

}  // namespace hallmark
