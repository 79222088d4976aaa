// tokenizer.json and tokenizer_config.json, written so that every version of the tokenizers library
// reads them: merges as texts, ids of added tokens as they are.
#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/json/json_writer.h"
#include "transform/tokenizer_json.h"
#include "transform/tokenizer_merges.h"

namespace hallmark {
namespace {

using Step = PreTokenizerStep;
using Form = JsonWriter::Form;

Error CannotHold(std::string message) {
  return Error{Errc::kUnsupported, "tokenizer.json", std::move(message)};
}

// How many tokens, from the first, are written into the model's vocabulary: those behind are only
// added, if the library then counts up to the ids that they have.
std::size_t ModelSize(const Tokenizer& tokenizer) {
  const std::vector<Token>& tokens = tokenizer.tokens;
  const std::size_t end = tokenizer.CountWithoutPadding();
  std::size_t size = end;
  while (size > 0 && IsAddedType(tokens[size - 1].type) &&
         tokens[size - 1].type != TokenType::kUnknown) {
    --size;
  }
  for (std::size_t id = 0; id < size; ++id) {
    if (IsPaddingName(tokens[id], id)) return end;
  }
  return size;
}

Result<void> CheckTokens(const std::vector<Token>& tokens, bool pieces) {
  std::vector<std::string_view> texts;
  texts.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string& text = tokens[id].text;
    if (text.empty() || !IsValidUtf8(text)) {
      return CannotHold(fmt::format("token {} is {}", id, text.empty() ? "empty" : "not UTF-8"));
    }
    if (pieces && !IsAddedType(tokens[id].type) && text.find(' ') != text.npos) {
      return CannotHold(fmt::format("token {} has a space, which no piece has", id));
    }
    texts.push_back(text);
  }
  if (const auto repeated = FindRepeated(texts)) {
    return CannotHold(fmt::format("two tokens are {}", EscapeForPeople(*repeated)));
  }
  return {};
}

void WriteAddedTokens(const std::vector<Token>& tokens, JsonWriter& json) {
  json.Key("added_tokens").BeginArray();
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!IsAddedType(tokens[id].type)) continue;
    json.BeginObject().Member("id", id).Member("content", tokens[id].text);
    for (const std::string_view flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      json.Key(flag).Bool(false);
    }
    json.Key("special").Bool(tokens[id].type != TokenType::kUserDefined).EndObject();
  }
  json.EndArray();
}

void WriteByteLevel(bool use_regex, JsonWriter& json) {
  json.BeginObject().Member("type", "ByteLevel");
  json.Key("add_prefix_space").Bool(false).Key("trim_offsets").Bool(true);
  json.Key("use_regex").Bool(use_regex).EndObject();
}

void WriteStep(const Step& step, JsonWriter& json) {
  switch (step.kind) {
    case Step::Kind::kSplit:
      json.BeginObject().Member("type", "Split");
      json.Key("pattern").BeginObject().Member("Regex", step.pattern).EndObject();
      json.Member("behavior", "Isolated").Key("invert").Bool(false).EndObject();
      break;
    case Step::Kind::kDigits:
    case Step::Kind::kDigitRuns:
      json.BeginObject().Member("type", "Digits");
      json.Key("individual_digits").Bool(step.kind == Step::Kind::kDigits).EndObject();
      break;
    case Step::Kind::kPunctuation:
      json.BeginObject().Member("type", "Punctuation").Member("behavior", "Contiguous");
      json.EndObject();
      break;
    case Step::Kind::kGpt2:
    case Step::Kind::kBytes:
      WriteByteLevel(step.kind == Step::Kind::kGpt2, json);
      break;
    case Step::Kind::kUnknown:
      HM_CHECK(!"no row of the table has such a step");
  }
}

void WriteSteps(std::span<const Step> steps, JsonWriter& json) {
  json.Key("pre_tokenizer");
  if (steps.size() == 1) return WriteStep(steps[0], json);
  json.BeginObject().Member("type", "Sequence").Key("pretokenizers").BeginArray();
  for (const Step& step : steps) WriteStep(step, json);
  json.EndArray().EndObject();
}

void WriteReplace(std::string_view from, std::string_view to, JsonWriter& json) {
  json.BeginObject().Member("type", "Replace");
  json.Key("pattern").BeginObject().Member("String", from).EndObject();
  json.Member("content", to).EndObject();
}

// Of a tokenizer of pieces: spaces become U+2581, and back.
void WritePieceText(bool prefix, JsonWriter& json) {
  json.Key("normalizer").BeginObject().Member("type", "Sequence").Key("normalizers").BeginArray();
  if (prefix) json.BeginObject().Member("type", "Prepend").Member("prepend", "\u2581").EndObject();
  WriteReplace(" ", "\u2581", json);
  json.EndArray().EndObject().Key("pre_tokenizer").Null();
  json.Key("decoder").BeginObject().Member("type", "Sequence").Key("decoders").BeginArray();
  WriteReplace("\u2581", " ", json);
  json.BeginObject().Member("type", "ByteFallback").EndObject();
  json.BeginObject().Member("type", "Fuse").EndObject();
  if (prefix) {
    json.BeginObject().Member("type", "Strip").Member("content", " ");
    json.Key("start").Unsigned(1).Key("stop").Unsigned(0).EndObject();
  }
  json.EndArray().EndObject();
}

void WritePlace(std::string_view kind, std::string_view id, unsigned text, JsonWriter& json) {
  json.BeginObject().Key(kind).BeginObject().Member("id", id);
  json.Key("type_id").Unsigned(text).EndObject().EndObject();
}

// What is put around one text, A, and around each of two.
void WriteTemplate(const Token* bos, const Token* eos, const Tokenizer& tokenizer,
                   JsonWriter& json) {
  const auto around = [&](std::string_view sequence, unsigned text) {
    if (bos != nullptr) WritePlace("SpecialToken", bos->text, text, json);
    WritePlace("Sequence", sequence, text, json);
    if (eos != nullptr) WritePlace("SpecialToken", eos->text, text, json);
  };
  json.BeginObject().Member("type", "TemplateProcessing").Key("single").BeginArray();
  around("A", 0);
  json.EndArray().Key("pair").BeginArray();
  around("A", 0);
  around("B", 1);
  json.EndArray().Key("special_tokens").BeginObject();
  for (const Token* token : {bos, eos}) {
    if (token == nullptr || (token == eos && bos == eos)) continue;
    const auto id = static_cast<std::uint64_t>(token - tokenizer.tokens.data());
    json.Key(token->text).BeginObject().Member("id", token->text);
    json.Key("ids").BeginArray().Unsigned(id).EndArray();
    json.Key("tokens").BeginArray().String(token->text).EndArray().EndObject();
  }
  json.EndObject().EndObject();
}

void WritePostProcessor(const Tokenizer& tokenizer, JsonWriter& json) {
  const auto added = [&](SpecialRole role) -> const Token* {
    const auto id = tokenizer.Adds(role) ? tokenizer.IdOf(role) : std::nullopt;
    return id ? &tokenizer.tokens[*id] : nullptr;
  };
  const Token* bos = added(SpecialRole::kBos);
  const Token* eos = added(SpecialRole::kEos);
  const bool bytes = tokenizer.kind == TokenizerKind::kBytePairs && !tokenizer.adds.empty();
  const bool around = bos != nullptr || eos != nullptr;
  json.Key("post_processor");
  if (!bytes && !around) {
    json.Null();
    return;
  }
  if (bytes && around) {
    json.BeginObject().Member("type", "Sequence").Key("processors").BeginArray();
  }
  if (bytes) WriteByteLevel(true, json);
  if (around) WriteTemplate(bos, eos, tokenizer, json);
  if (bytes && around) json.EndArray().EndObject();
}

Result<void> WriteModel(const Tokenizer& tokenizer, const PreTokenizer* pre, JsonWriter& json) {
  const std::vector<Token>& tokens = tokenizer.tokens;
  const bool pieces = tokenizer.kind == TokenizerKind::kSentencePiece;
  const auto unknown = pieces ? tokenizer.UnknownId() : std::nullopt;
  const bool has_bytes = std::ranges::find(tokens, TokenType::kByte, &Token::type) != tokens.end();
  json.Key("model").BeginObject().Member("type", "BPE").Key("dropout").Null().Key("unk_token");
  unknown ? json.String(tokens[*unknown].text) : json.Null();
  json.Key("continuing_subword_prefix").Null().Key("end_of_word_suffix").Null();
  json.Key("fuse_unk").Bool(pieces).Key("byte_fallback").Bool(pieces && has_bytes);
  json.Key("ignore_merges").Bool(pre != nullptr && pre->ignores_merges);
  json.Key("vocab").BeginObject();
  const std::size_t size = ModelSize(tokenizer);
  for (std::size_t id = 0; id < size; ++id) {
    if (!IsPaddingName(tokens[id], id)) json.Member(tokens[id].text, id);
  }
  json.EndObject().Key("merges").BeginArray();
  if (pieces) {
    for (const MergePair merge : HM_TRY(MergesOfScores(tokens, "tokenizer.json"))) {
      json.String(fmt::format("{} {}", merge.left, merge.right));
    }
  } else {
    for (const std::string& merge : tokenizer.merges) json.String(merge);
  }
  json.EndArray().EndObject();
  return {};
}

void WriteChatTemplates(const std::vector<ChatTemplate>& templates, JsonWriter& json) {
  if (templates.empty()) return;
  json.Key("chat_template");
  if (templates.size() == 1 && templates[0].name.empty()) {
    json.String(templates[0].text);
    return;
  }
  json.BeginArray();
  for (const ChatTemplate& chat : templates) {
    json.BeginObject().Member("name", chat.name.empty() ? "default" : chat.name);
    json.Member("template", chat.text).EndObject();
  }
  json.EndArray();
}

}  // namespace

Result<std::string> WriteTokenizerJson(const Tokenizer& tokenizer) {
  const bool pieces = tokenizer.kind == TokenizerKind::kSentencePiece;
  const PreTokenizer* pre = pieces ? nullptr : FindPreTokenizer(tokenizer.pre_tokenizer);
  if (!pieces && pre == nullptr) {
    return CannotHold(fmt::format("the steps of the pre-tokenizer {} are not known here",
                                  EscapeForPeople(tokenizer.pre_tokenizer)));
  }
  HM_TRY(CheckTokens(tokenizer.tokens, pieces));
  JsonWriter json(Form::kCompact);
  json.BeginObject().Member("version", "1.0").Key("truncation").Null().Key("padding").Null();
  WriteAddedTokens(tokenizer.tokens, json);
  if (pieces) {
    WritePieceText(tokenizer.AddsSpacePrefix(), json);
  } else {
    json.Key("normalizer");
    pre->composes ? json.BeginObject().Member("type", "NFC").EndObject() : json.Null();
    WriteSteps(pre->steps, json);
    json.Key("decoder");
    WriteByteLevel(true, json);
  }
  WritePostProcessor(tokenizer, json);
  HM_TRY(WriteModel(tokenizer, pre, json));
  return json.EndObject().Take() + '\n';
}

std::string WriteTokenizerConfig(const Tokenizer& tokenizer) {
  struct Name {
    SpecialRole role;
    std::string_view name;
    bool can_be_added;
  };
  static constexpr Name kNames[] = {
      {SpecialRole::kBos, "bos", true},      {SpecialRole::kEos, "eos", true},
      {SpecialRole::kUnknown, "unk", false}, {SpecialRole::kSeparator, "sep", false},
      {SpecialRole::kPadding, "pad", false}, {SpecialRole::kMask, "mask", false},
  };
  JsonWriter json(Form::kPretty);
  json.BeginObject();
  for (const Name& row : kNames) {
    const auto told =
        std::ranges::find(tokenizer.adds, row.role, &std::pair<SpecialRole, bool>::first);
    if (row.can_be_added && told != tokenizer.adds.end()) {
      json.Key(fmt::format("add_{}_token", row.name)).Bool(told->second);
    }
    if (const auto id = tokenizer.IdOf(row.role)) {
      json.Member(fmt::format("{}_token", row.name), tokenizer.tokens[*id].text);
    }
  }
  if (tokenizer.add_space_prefix) json.Key("add_prefix_space").Bool(*tokenizer.add_space_prefix);
  json.Key("added_tokens_decoder").BeginObject();
  for (std::size_t id = 0; id < tokenizer.tokens.size(); ++id) {
    const Token& token = tokenizer.tokens[id];
    if (!IsAddedType(token.type)) continue;
    json.Key(fmt::format("{}", id)).BeginObject().Member("content", token.text);
    for (const std::string_view flag : {"lstrip", "normalized", "rstrip", "single_word"}) {
      json.Key(flag).Bool(false);
    }
    json.Key("special").Bool(token.type != TokenType::kUserDefined).EndObject();
  }
  json.EndObject();
  WriteChatTemplates(tokenizer.chat_templates, json);
  json.Key("clean_up_tokenization_spaces").Bool(false);
  json.Member("tokenizer_class", "PreTrainedTokenizerFast");
  return json.EndObject().Take() + '\n';
}

}  // namespace hallmark
