#include "transform/tokenizer_merges.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <unordered_map>

namespace hallmark {
namespace {

constexpr bool Prints(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

struct ByteAlphabet {
  std::array<std::uint16_t, 256> letter{};  // of a byte
  std::array<std::int16_t, 512> byte{};     // of a letter; -1: none
};

constexpr ByteAlphabet MakeByteAlphabet() {
  ByteAlphabet alphabet;
  alphabet.byte.fill(-1);
  std::uint16_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::uint16_t letter = Prints(byte) ? static_cast<std::uint16_t>(byte) : next++;
    alphabet.letter[byte] = letter;
    alphabet.byte[letter] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr ByteAlphabet kAlphabet = MakeByteAlphabet();

bool StartsLetter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::size_t Letters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), StartsLetter));
}

// Cutting a token everywhere and looking both halves up takes the square of its length, and each
// way that is found takes its length again. The largest real vocabularies need a tenth of this.
class Effort {
 public:
  explicit Effort(std::string_view subject) : subject_(subject) {}

  Result<void> Cut(std::string_view token) {
    return Spend(work_, std::uint64_t{token.size()} * token.size(), kMaxWork);
  }
  Result<void> Keep(std::string_view token) { return Spend(kept_, token.size() + 1, kMaxKept); }

 private:
  static constexpr std::uint64_t kMaxWork = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kMaxKept = std::uint64_t{1} << 26;

  Result<void> Spend(std::uint64_t& spent, std::uint64_t amount, std::uint64_t limit) {
    if (amount > limit - spent) {
      return Error{Errc::kUnsupported, std::string(subject_),
                   "the tokens are too long or too alike to find out which are merged of which"};
    }
    spent += amount;
    return {};
  }

  std::string_view subject_;
  std::uint64_t work_ = 0;
  std::uint64_t kept_ = 0;
};

struct Parts {
  std::uint32_t left, right;
  friend auto operator<=>(const Parts&, const Parts&) = default;
};

using Ids = std::unordered_map<std::string_view, std::uint32_t>;

}  // namespace

std::string ToByteAlphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const std::uint16_t letter = kAlphabet.letter[static_cast<unsigned char>(c)];
    if (letter < 0x80) {
      text += static_cast<char>(letter);
    } else {
      text += static_cast<char>(0xc0 | letter >> 6);
      text += static_cast<char>(0x80 | (letter & 0x3f));
    }
  }
  return text;
}

std::optional<std::string> FromByteAlphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t letter = static_cast<unsigned char>(text[i]);
    if (letter >= 0x80) {
      if (letter < 0xc2 || letter > 0xc7 || i + 1 == text.size() || StartsLetter(text[i + 1])) {
        return std::nullopt;
      }
      letter = (letter & 0x1f) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f);
    }
    const std::int16_t byte = kAlphabet.byte[letter];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

Result<std::vector<std::string>> MergesOfRanks(std::span<const std::string> tokens,
                                               std::string_view subject) {
  Ids ranks;
  ranks.reserve(tokens.size());
  for (std::size_t rank = 0; rank < tokens.size(); ++rank) {
    ranks.emplace(tokens[rank], static_cast<std::uint32_t>(rank));
  }
  Effort effort(subject);
  std::vector<std::string> merges;
  std::vector<Parts> ways;
  for (std::size_t rank = 0; rank < tokens.size(); ++rank) {
    const std::string_view token = tokens[rank];
    HM_TRY(effort.Cut(token));
    ways.clear();
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = ranks.find(token.substr(0, cut));
      if (left == ranks.end()) continue;
      const auto right = ranks.find(token.substr(cut));
      if (right != ranks.end()) ways.push_back({left->second, right->second});
    }
    std::sort(ways.begin(), ways.end());
    for (const Parts way : ways) {
      HM_TRY(effort.Keep(token));
      merges.push_back(ToByteAlphabet(tokens[way.left]) + ' ' + ToByteAlphabet(tokens[way.right]));
    }
  }
  return merges;
}

Result<std::vector<MergePair>> MergesOfScores(std::span<const Token> tokens,
                                              std::string_view subject) {
  Ids ids;
  ids.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].type == TokenType::kNormal) {
      ids.emplace(tokens[id].text, static_cast<std::uint32_t>(id));
    }
  }
  struct Way {
    float score;
    Parts parts;
    std::size_t left_letters, right_letters;
  };
  Effort effort(subject);
  std::vector<Way> ways;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].type != TokenType::kNormal) continue;
    const std::string_view token = tokens[id].text;
    HM_TRY(effort.Cut(token));
    const std::size_t first = ways.size();
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      if (!StartsLetter(token[cut])) continue;
      const auto left = ids.find(token.substr(0, cut));
      if (left == ids.end()) continue;
      const auto right = ids.find(token.substr(cut));
      if (right == ids.end()) continue;
      HM_TRY(effort.Keep(token));
      ways.push_back({tokens[id].score,
                      {left->second, right->second},
                      Letters(left->first),
                      Letters(right->first)});
    }
    std::sort(ways.begin() + static_cast<std::ptrdiff_t>(first), ways.end(),
              [](const Way& a, const Way& b) { return a.parts < b.parts; });
  }
  std::stable_sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.left_letters != b.left_letters) return a.left_letters > b.left_letters;
    return a.right_letters > b.right_letters;
  });
  std::vector<MergePair> merges;
  merges.reserve(ways.size());
  for (const Way& way : ways) {
    merges.push_back({tokens[way.parts.left].text, tokens[way.parts.right].text});
  }
  return merges;
}

void ScoreByMerges(std::span<const std::string> merges, std::vector<Token>& tokens) {
  Ids ids;
  ids.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].type == TokenType::kNormal) {
      ids.emplace(tokens[id].text, static_cast<std::uint32_t>(id));
    }
  }
  std::vector<bool> scored(tokens.size(), false);
  float next = 0;
  std::string whole;
  for (const std::string_view merge : merges) {
    const std::size_t space = merge.find(' ');
    whole.assign(merge.substr(0, space));
    if (space != std::string_view::npos) whole += merge.substr(space + 1);
    const auto found = ids.find(whole);
    if (found == ids.end() || scored[found->second]) continue;
    tokens[found->second].score = next--;
    scored[found->second] = true;
  }
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].type == TokenType::kNormal && !scored[id]) tokens[id].score = next--;
  }
}

}  // namespace hallmark
