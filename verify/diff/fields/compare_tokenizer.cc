#include "verify/diff/fields/compare_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "transform/pre_tokenizers.h"
#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

constexpr std::string_view kArea = "tokenizer";

struct Role {
  SpecialRole role;
  std::string_view id;   // field
  std::string_view add;  // empty: none
};
constexpr Role kRoles[] = {
    {SpecialRole::kBos, "bos_token_id", "add_bos_token"},
    {SpecialRole::kEos, "eos_token_id", "add_eos_token"},
    {SpecialRole::kUnknown, "unk_token_id", ""},
    {SpecialRole::kSeparator, "sep_token_id", ""},
    {SpecialRole::kPadding, "pad_token_id", ""},
    {SpecialRole::kMask, "mask_token_id", ""},
    {SpecialRole::kEndOfTurn, "eot_token_id", ""},
    {SpecialRole::kEndOfMessage, "eom_token_id", ""},
};

std::string_view TypeName(TokenType type) {
  switch (type) {
    case TokenType::kNormal:
      return "normal";
    case TokenType::kUnknown:
      return "unknown";
    case TokenType::kControl:
      return "control";
    case TokenType::kUserDefined:
      return "user defined";
    case TokenType::kUnused:
      return "unused";
    case TokenType::kByte:
      return "byte";
  }
  return "";
}

std::string_view KindName(TokenizerKind kind) {
  return kind == TokenizerKind::kSentencePiece ? "sentencepiece" : "byte pairs";
}

std::string BoolText(bool flag) { return flag ? "true" : "false"; }

// Ids of the normal tokens, the best score first.
std::vector<std::uint32_t> Ranking(const std::vector<Token>& tokens, std::size_t count) {
  std::vector<std::uint32_t> ids;
  for (std::size_t id = 0; id < count; ++id) {
    if (tokens[id].type == TokenType::kNormal) ids.push_back(static_cast<std::uint32_t>(id));
  }
  std::ranges::stable_sort(
      ids, [&](std::uint32_t x, std::uint32_t y) { return tokens[x].score > tokens[y].score; });
  return ids;
}

class TokenizerComparison {
 public:
  TokenizerComparison(const ReadTokenizerSide& a, const ReadTokenizerSide& b, FieldComparison& out)
      : side_a_(a), side_b_(b), a_(a.tokenizer), b_(b.tokenizer), out_(out) {}

  void Compare() {
    Field("kind", ShortText(KindName(a_.kind)), ShortText(KindName(b_.kind)));
    if (a_.kind != b_.kind) {
      out_.unsettled.push_back(
          "the tokens: a tokenizer of pieces and one of byte pairs have no common form");
      return;
    }
    CompareTexts();
    CompareTypes();
    if (a_.kind == TokenizerKind::kSentencePiece) {
      CompareScores();
    } else {
      CompareMerges();
      ComparePreTokenizers();
    }
    CompareRoles();
    Field("add_prefix_space", BoolText(a_.AddsSpacePrefix()), BoolText(b_.AddsSpacePrefix()));
  }

 private:
  void Field(std::string_view name, std::string a, std::string b, bool has_meaning = true) {
    ++out_.compared;
    if (a == b) return;
    out_.differing.push_back(
        {std::string(kArea), std::string(name), std::move(a), std::move(b), has_meaning});
  }

  std::size_t Common() const { return std::min(a_.tokens.size(), b_.tokens.size()); }

  void CompareTexts() {
    FieldList list(out_, std::string(kArea), "vocab");
    for (std::size_t id = 0; id < std::max(a_.tokens.size(), b_.tokens.size()); ++id) {
      const Token* in_a = id < a_.tokens.size() ? &a_.tokens[id] : nullptr;
      const Token* in_b = id < b_.tokens.size() ? &b_.tokens[id] : nullptr;
      if (in_a == nullptr || in_b == nullptr) {
        if (IsPaddingName(in_a != nullptr ? *in_a : *in_b, id)) continue;
        list.Compared();
        list.Add(std::to_string(id), in_a ? ShortText(in_a->text) : "",
                 in_b ? ShortText(in_b->text) : "");
        continue;
      }
      list.Compared();
      if (in_a->text == in_b->text) continue;
      if (!list.Shows()) {
        list.AddUnshown();
        continue;
      }
      const ShownTexts shown = ShowTexts(in_a->text, in_b->text);
      list.Add(std::to_string(id), shown.a, shown.b);
    }
    list.Finish(a_.tokens.size(), b_.tokens.size());
  }

  void CompareTypes() {
    FieldList list(out_, std::string(kArea), "kind of token");
    for (std::size_t id = 0; id < Common(); ++id) {
      list.Compared();
      if (a_.tokens[id].type == b_.tokens[id].type) continue;
      list.Add(std::to_string(id), ShortText(TypeName(a_.tokens[id].type)),
               ShortText(TypeName(b_.tokens[id].type)));
    }
    list.Finish(a_.tokens.size(), b_.tokens.size());
  }

  // Only normal pieces are merged by their scores, and only the order of these matters.
  void CompareScores() {
    const auto differs = [&](std::size_t id) {
      return a_.tokens[id].type == TokenType::kNormal && b_.tokens[id].type == TokenType::kNormal &&
             a_.tokens[id].score != b_.tokens[id].score;
    };
    std::vector<std::size_t> differing;
    for (std::size_t id = 0; id < Common(); ++id) {
      if (differs(id)) differing.push_back(id);
    }
    if (!differing.empty() && Ranking(a_.tokens, Common()) == Ranking(b_.tokens, Common())) {
      out_.compared += Common();
      const std::size_t id = differing.front();
      out_.differing.push_back(
          {std::string(kArea),
           fmt::format("scores: {} differ, their order is the same; the first is {}",
                       differing.size(), id),
           ShortNumber(a_.tokens[id].score, true), ShortNumber(b_.tokens[id].score, true), false});
      return;
    }
    if (!differing.empty() && (side_a_.scores_are_made || side_b_.scores_are_made)) {
      out_.unsettled.push_back(
          fmt::format("the scores of tokens: {}'s tokenizer.json has merges instead, from which "
                      "another order follows",
                      kSideNames[!side_a_.scores_are_made]));
      return;
    }
    out_.compared += Common();
    FieldList list(out_, std::string(kArea), "score of token");
    for (const std::size_t id : differing) {
      list.Add(std::to_string(id), ShortNumber(a_.tokens[id].score, true),
               ShortNumber(b_.tokens[id].score, true));
    }
    list.Finish(a_.tokens.size(), b_.tokens.size());
  }

  void CompareMerges() {
    FieldList list(out_, std::string(kArea), "merge");
    const std::size_t most = std::max(a_.merges.size(), b_.merges.size());
    for (std::size_t i = 0; i < most; ++i) {
      const std::string* in_a = i < a_.merges.size() ? &a_.merges[i] : nullptr;
      const std::string* in_b = i < b_.merges.size() ? &b_.merges[i] : nullptr;
      list.Compared();
      if (in_a != nullptr && in_b != nullptr && *in_a == *in_b) continue;
      if (list.Shows()) {
        list.Add(std::to_string(i), in_a ? ShortText(*in_a) : "", in_b ? ShortText(*in_b) : "");
      } else {
        list.AddUnshown();
      }
    }
    list.Finish(a_.merges.size(), b_.merges.size());
  }

  void ComparePreTokenizers() {
    for (const Tokenizer* side : {&a_, &b_}) {
      if (!side->pre_tokenizer.empty() || a_.pre_tokenizer_steps == b_.pre_tokenizer_steps)
        continue;
      out_.unsettled.push_back(
          fmt::format("how text is cut before it is merged: {}'s steps have "
                      "no name that is known here",
                      kSideNames[side != &a_]));
      return;
    }
    const PreTokenizer* known_a = FindPreTokenizer(a_.pre_tokenizer);
    const PreTokenizer* known_b = FindPreTokenizer(b_.pre_tokenizer);
    const bool same_steps = known_a != nullptr && known_b != nullptr &&
                            std::ranges::equal(known_a->steps, known_b->steps) &&
                            known_a->ignores_merges == known_b->ignores_merges &&
                            known_a->composes == known_b->composes;
    Field("pre_tokenizer", ShortText(a_.pre_tokenizer), ShortText(b_.pre_tokenizer), !same_steps);
  }

  void CompareRoles() {
    for (const Role& role : kRoles) {
      const auto in_a = a_.IdOf(role.role);
      const auto in_b = b_.IdOf(role.role);
      const bool is_taken = (side_a_.specials_are_taken || side_b_.specials_are_taken) &&
                            role.role != SpecialRole::kBos;
      if (in_a && in_b && !is_taken) Field(role.id, std::to_string(*in_a), std::to_string(*in_b));
      if (!role.add.empty()) {
        Field(role.add, BoolText(a_.Adds(role.role)), BoolText(b_.Adds(role.role)));
      }
    }
  }

  const ReadTokenizerSide& side_a_;
  const ReadTokenizerSide& side_b_;
  const Tokenizer& a_;
  const Tokenizer& b_;
  FieldComparison& out_;
};

}  // namespace

void CompareTokenizers(const ReadTokenizerSide& a, const ReadTokenizerSide& b,
                       FieldComparison& out) {
  TokenizerComparison(a, b, out).Compare();
}

}  // namespace hallmark
