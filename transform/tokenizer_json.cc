#include "transform/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "transform/tokenizer_merges.h"

namespace hallmark {
namespace {

using Step = PreTokenizerStep;

constexpr JsonLimits kLimits{.max_bytes = kMaxTokenizerJsonBytes, .max_depth = 64};

Error Malformed(const std::string& subject, std::string message) {
  return Error{Errc::kMalformed, subject, std::move(message)};
}

std::string_view TextOf(JsonValue object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->AsString().value_or("") : "";
}

bool FlagOf(JsonValue object, std::string_view key, bool otherwise) {
  const auto value = object.Find(key);
  return value ? value->AsBool().value_or(otherwise) : otherwise;
}

Result<std::uint32_t> CheckId(std::optional<std::uint64_t> id, const std::string& subject,
                              std::string_view token) {
  if (!id) {
    return Malformed(subject, fmt::format("token {} has no id", EscapeForPeople(token)));
  }
  if (*id >= kMaxTokens) {
    return Error{
        Errc::kUnsupported, subject,
        fmt::format("token {} has id {}, limit {}", EscapeForPeople(token), *id, kMaxTokens - 1)};
  }
  return static_cast<std::uint32_t>(*id);
}

Step ReadStep(JsonValue step) {
  const std::string_view type = TextOf(step, "type");
  const Step unknown{Step::Kind::kUnknown, type.empty() ? "unnamed" : type};
  if (type == "Split") {
    const auto pattern = step.Find("pattern");
    const auto regex = pattern ? pattern->Find("Regex") : std::nullopt;
    const auto text = regex ? regex->AsString() : std::nullopt;
    // Keeping what is between matches of nothing but gaps is keeping the matches.
    const std::string_view behaviour = TextOf(step, "behavior");
    const bool invert = FlagOf(step, "invert", false);
    const bool isolates = behaviour == (invert ? "Removed" : "Isolated");
    return text && isolates ? Step{Step::Kind::kSplit, *text} : unknown;
  }
  if (type == "Digits") {
    return {FlagOf(step, "individual_digits", false) ? Step::Kind::kDigits
                                                     : Step::Kind::kDigitRuns};
  }
  if (type == "Punctuation" && TextOf(step, "behavior") == "Contiguous") {
    return {Step::Kind::kPunctuation};
  }
  if (type == "ByteLevel" && !FlagOf(step, "add_prefix_space", true)) {
    return {FlagOf(step, "use_regex", true) ? Step::Kind::kGpt2 : Step::Kind::kBytes};
  }
  return unknown;
}

void ReadSteps(JsonValue value, std::vector<Step>& steps) {
  if (!value.IsObject()) return;
  if (TextOf(value, "type") != "Sequence") {
    steps.push_back(ReadStep(value));
  } else if (const auto parts = value.Find("pretokenizers")) {
    for (const JsonValue part : parts->Items()) steps.push_back(ReadStep(part));
  }
}

void ReadNormaliser(JsonValue value, TokenizerJson& json) {
  const std::string_view type = TextOf(value, "type");
  if (type == "Prepend") {
    json.prepends_space = true;
  } else if (!type.empty() && type != "NFC" && type != "Replace") {
    json.notes.push_back(fmt::format("the normaliser {} is not kept", EscapeForPeople(type)));
  }
}

void ReadNormalisers(JsonValue value, TokenizerJson& json) {
  if (TextOf(value, "type") != "Sequence") {
    ReadNormaliser(value, json);
  } else if (const auto parts = value.Find("normalizers")) {
    for (const JsonValue part : parts->Items()) ReadNormaliser(part, json);
  }
}

// Newer tokenizers of pieces put the space in front when they cut the text.
bool PrependsSpace(JsonValue pre_tokenizer) {
  return TextOf(pre_tokenizer, "type") == "Metaspace" &&
         TextOf(pre_tokenizer, "prepend_scheme") != "never" &&
         FlagOf(pre_tokenizer, "add_prefix_space", true);
}

Result<void> ReadVocabulary(JsonValue model, TokenizerJson& json) {
  const std::string& subject = json.document.Subject();
  const auto vocabulary = model.Find("vocab");
  if (!vocabulary || !vocabulary->IsObject()) {
    return Malformed(subject, "model.vocab is no object of tokens and ids");
  }
  const std::vector<JsonMember> members = vocabulary->Members();
  std::uint32_t last = 0;
  std::vector<std::uint32_t> ids;
  ids.reserve(members.size());
  for (const JsonMember& member : members) {
    ids.push_back(HM_TRY(CheckId(member.value.AsU64(), subject, member.key)));
    last = std::max(last, ids.back());
  }
  json.tokens.resize(members.empty() ? 0 : last + 1, Token{{}, 0, TokenType::kUnused});
  for (std::size_t i = 0; i < members.size(); ++i) {
    Token& token = json.tokens[ids[i]];
    if (token.type != TokenType::kUnused) {
      return Malformed(subject, fmt::format("two tokens have id {}", ids[i]));
    }
    token = {std::string(members[i].key), 0, TokenType::kNormal};
  }
  return {};
}

void AppendPart(std::string_view part, std::string& merge) {
  for (const char c : part) {
    if (c == ' ') {
      merge += "\u0120";
    } else {
      merge += c;
    }
  }
}

Result<void> ReadMerges(JsonValue model, TokenizerJson& json) {
  const auto merges = model.Find("merges");
  if (!merges) return {};
  const std::vector<JsonValue> items = merges->Items();
  json.merges.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::string merge;
    if (const auto text = items[i].AsString()) {
      merge = *text;
    } else if (const auto parts = items[i].Items(); parts.size() == 2) {
      AppendPart(parts[0].AsString().value_or(""), merge);
      merge += ' ';
      AppendPart(parts[1].AsString().value_or(""), merge);
    }
    const std::size_t space = merge.find(' ');
    if (space == 0 || space == std::string::npos || space + 1 == merge.size()) {
      return Malformed(json.document.Subject(), fmt::format("merge {} is no pair of tokens", i));
    }
    json.merges.push_back(std::move(merge));
  }
  return {};
}

Result<TokenizerKind> KindOf(JsonValue root, JsonValue model, const std::string& subject) {
  const std::string_view type = TextOf(model, "type");  // old files of GPT-2 do not say it
  if (type != "BPE" && !(type.empty() && model.Find("merges"))) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("a model of type {}; only BPE is read", EscapeForPeople(type))};
  }
  if (FlagOf(model, "byte_fallback", false)) return TokenizerKind::kSentencePiece;
  const auto decoder = root.Find("decoder");
  if (decoder && TextOf(*decoder, "type") == "ByteLevel") return TokenizerKind::kBytePairs;
  // SentencePiece's way with unknown text, in a vocabulary that has no bytes.
  if (FlagOf(model, "fuse_unk", false)) return TokenizerKind::kSentencePiece;
  return Error{
      Errc::kUnsupported, subject,
      "a BPE model neither over bytes (decoder ByteLevel) nor of SentencePiece (byte_fallback, "
      "fuse_unk)"};
}

}  // namespace

Result<AddedToken> ReadAddedToken(JsonValue value, const std::string& subject,
                                  std::optional<std::uint64_t> id) {
  const std::string_view text = TextOf(value, "content");
  if (text.empty()) return Malformed(subject, "an added token without content");
  if (const auto own = value.Find("id"); own && !id) id = own->AsU64();
  return AddedToken{HM_TRY(CheckId(id, subject, text)), std::string(text),
                    FlagOf(value, "special", false)};
}

Result<TokenizerJson> ReadTokenizerJson(std::string_view text, std::string subject) {
  TokenizerJson json{HM_TRY(JsonDocument::Parse(text, std::move(subject), 0, kLimits))};
  const JsonValue root = json.document.Root();
  const auto model = root.Find("model");
  if (!model || !model->IsObject()) {
    return Malformed(json.document.Subject(), "no tokenizer: it has no model");
  }
  json.kind = HM_TRY(KindOf(root, *model, json.document.Subject()));
  HM_TRY(ReadVocabulary(*model, json));
  HM_TRY(ReadMerges(*model, json));
  json.unknown_token = TextOf(*model, "unk_token");
  if (const auto added = root.Find("added_tokens")) {
    for (const JsonValue item : added->Items()) {
      json.added.push_back(HM_TRY(ReadAddedToken(item, json.document.Subject())));
    }
  }
  if (const auto normaliser = root.Find("normalizer")) ReadNormalisers(*normaliser, json);
  if (const auto steps = root.Find("pre_tokenizer")) {
    ReadSteps(*steps, json.steps);
    json.prepends_space = json.prepends_space || PrependsSpace(*steps);
  }
  json.post_processor = root.Find("post_processor");
  return json;
}

}  // namespace hallmark
