#include "transform/tokenizer_tiktoken.h"

#include <fmt/format.h>

#include <bitset>
#include <utility>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "transform/tokenizer_merges.h"

namespace hallmark {
namespace {

constexpr std::size_t kSpecialTokens = 256;

// Why these are no vocabulary; nothing if they are one: every byte is a token, and no token is
// there twice.
std::optional<std::string> Complaint(const std::vector<std::string>& tokens) {
  std::bitset<256> single;
  for (const std::string& token : tokens) {
    if (token.size() == 1) single.set(static_cast<unsigned char>(token.front()));
  }
  if (!single.all()) {
    return fmt::format("{} of the 256 bytes are no token", 256 - single.count());
  }
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  const auto repeated = FindRepeated(views);
  if (!repeated) return std::nullopt;
  return fmt::format("the token {} stands twice", EscapeForPeople(*repeated));
}

}  // namespace

Result<std::vector<std::string>> ReadTiktoken(std::string_view text, std::string subject) {
  std::vector<std::string> tokens;
  std::size_t offset = 0;
  const auto malformed = [&](std::string message) {
    return Error{Errc::kMalformed, subject, std::move(message), offset};
  };
  while (offset < text.size()) {
    std::string_view line = text.substr(offset, text.find('\n', offset) - offset);
    const std::size_t next = offset + line.size() + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) {
      const std::size_t space = line.find(' ');
      auto token = space == line.npos ? std::nullopt : FromBase64(line.substr(0, space));
      const auto rank = space == line.npos ? std::nullopt : ParseDecimal(line.substr(space + 1));
      if (!token || token->empty() || !rank) {
        return malformed("a line that is not base64, a space and a rank");
      }
      if (*rank != tokens.size()) {
        return malformed(fmt::format("rank {}, expected {}", *rank, tokens.size()));
      }
      if (tokens.size() == kMaxTokens) {
        return Error{Errc::kUnsupported, subject, fmt::format("more than {} tokens", kMaxTokens),
                     offset};
      }
      tokens.push_back(std::move(*token));
    }
    offset = next;
  }
  offset = text.size();
  if (auto complaint = Complaint(tokens)) return malformed(std::move(*complaint));
  return tokens;
}

std::vector<std::string> Llama3SpecialTokens(bool llama31) {
  std::vector<std::string> tokens;
  std::size_t reserved = 0;
  const auto add = [&](std::string_view name) {
    tokens.push_back(name == "reserved" ? fmt::format("<|reserved_special_token_{}|>", reserved++)
                                        : fmt::format("<|{}|>", name));
  };
  for (const std::string_view name : {"begin_of_text", "end_of_text", "reserved", "reserved"}) {
    add(name);
  }
  if (llama31) {
    for (const std::string_view name : {"finetune_right_pad_id", "reserved", "start_header_id",
                                        "end_header_id", "eom_id", "eot_id", "python_tag"}) {
      add(name);
    }
  } else {
    for (const std::string_view name :
         {"reserved", "reserved", "start_header_id", "end_header_id", "reserved", "eot_id"}) {
      add(name);
    }
  }
  while (tokens.size() < kSpecialTokens) add("reserved");
  return tokens;
}

Result<std::vector<std::byte>> WriteTiktoken(const Tokenizer& tokenizer) {
  const auto cannot = [](std::string message) {
    return Error{Errc::kUnsupported, "tokenizer.model", std::move(message)};
  };
  if (tokenizer.kind != TokenizerKind::kBytePairs) {
    return cannot("a sentencepiece tokenizer has no ranks");
  }
  std::vector<std::string> ranks;
  bool ended = false;
  for (std::size_t id = 0; id < tokenizer.tokens.size(); ++id) {
    const Token& token = tokenizer.tokens[id];
    if (token.type != TokenType::kNormal) {
      ended = true;
      continue;
    }
    auto bytes = FromByteAlphabet(token.text);
    if (ended || !bytes || bytes->empty()) {
      return cannot(fmt::format("token {} {}", id,
                                ended ? "stands behind special ones, and Meta's are all first"
                                      : "is not in GPT-2's alphabet of bytes"));
    }
    ranks.push_back(std::move(*bytes));
  }
  if (auto complaint = Complaint(ranks)) return cannot(std::move(*complaint));
  std::string text;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    text += fmt::format("{} {}\n", ToBase64(ranks[rank]), rank);
  }
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return std::vector<std::byte>(first, first + text.size());
}

}  // namespace hallmark
