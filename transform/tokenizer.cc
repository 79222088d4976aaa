#include "transform/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/model/architecture.h"
#include "transform/pre_tokenizers.h"
#include "transform/tokenizer_json.h"
#include "transform/tokenizer_merges.h"
#include "transform/tokenizer_sentencepiece.h"
#include "transform/tokenizer_settings.h"
#include "transform/tokenizer_tiktoken.h"

namespace hallmark {
namespace {

constexpr std::string_view kModelFile = "tokenizer.model";
constexpr std::string_view kJsonFile = "tokenizer.json";

// Scores that llama.cpp's converter gives to what sentencepiece did not score.
constexpr float kAddedScore = -1000;
constexpr float kPaddingScore = -10000;

// What config.json or params.json say that matters here.
struct ModelFacts {
  std::string architecture;  // GGUF's name; model_type where it has none; empty: not told
  std::optional<std::uint64_t> vocab_size;
  bool scales_rope = false;  // Meta's use_scaled_rope: Llama 3.1 and later

  bool LlamaLike() const { return architecture == "llama" || architecture == "smollm3"; }
  bool Gemma() const { return architecture.starts_with("gemma"); }
};

ModelFacts FactsOf(JsonValue config) {
  ModelFacts facts;
  if (const auto type = config.Find("model_type")) {
    const std::string_view name = type->AsString().value_or("");
    const Architecture* known = FindArchitecture(name);
    facts.architecture = known == nullptr ? name : known->gguf;
  }
  auto size = config.Find("vocab_size");
  if (const auto inner = config.Find("text_config"); inner && inner->Find("vocab_size")) {
    size = inner->Find("vocab_size");
  }
  if (size) facts.vocab_size = size->AsU64();  // Meta says -1 for "as the tokenizer has"
  if (facts.vocab_size == 0) facts.vocab_size.reset();
  if (const auto scaled = config.Find("use_scaled_rope")) {
    facts.scales_rope = scaled->AsBool().value_or(false);
  }
  return facts;
}

Error TooMany(std::string subject, std::uint64_t count) {
  return Error{Errc::kUnsupported, std::move(subject),
               fmt::format("a vocabulary of {} tokens, limit {}", count, kMaxTokens)};
}

// Names such as <|im_end|> and <unused7>, which some publishers do not mark as special.
bool LooksSpecial(std::string_view text) {
  const auto framed = [&](std::string_view left, std::string_view right) {
    return text.starts_with(left) && text.ends_with(right);
  };
  return text == "<pad>" || text == "<mask>" || text == "<2mass>" || text == "[@BOS@]" ||
         framed("<|", "|>") || framed("<｜", "｜>") || framed("<unused", ">");
}

bool IsByteToken(std::string_view text) {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>') &&
         FromHex(text.substr(3, 2)).has_value();
}

std::string WithSpaces(std::string_view text) {
  static constexpr std::string_view kSpace = "\u2581";
  std::string out;
  while (true) {
    const std::size_t at = text.find(kSpace);
    out += text.substr(0, at);
    if (at == text.npos) return out;
    out += ' ';
    text.remove_prefix(at + kSpace.size());
  }
}

// A token that was added to a vocabulary: special, or matched in a text before anything is merged.
Token AddedAs(const AddedToken& added, float score) {
  if (added.special || LooksSpecial(added.text)) return {added.text, score, TokenType::kControl};
  return {WithSpaces(added.text), score, TokenType::kUserDefined};
}

Token PaddingToken(std::size_t id, float score) {
  return {fmt::format("[PAD{}]", id), score, TokenType::kUnused};
}

// Grows the tokens to `size` and gives those that are missing their name.
void Pad(std::uint64_t size, float score, std::vector<Token>& tokens) {
  tokens.resize(std::max<std::uint64_t>(size, tokens.size()), Token{{}, 0, TokenType::kUnused});
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].text.empty()) tokens[id] = PaddingToken(id, score);
  }
}

Result<std::vector<AddedToken>> AddedTokensDecoder(const TokenizerSources& sources) {
  std::vector<AddedToken> added;
  if (!sources.tokenizer_config) return added;
  const auto decoder = sources.tokenizer_config->Root().Find("added_tokens_decoder");
  if (!decoder) return added;
  const std::string& subject = sources.tokenizer_config->Subject();
  for (const JsonMember& member : decoder->Members()) {
    const auto id = ParseDecimal(member.key);
    if (!id) {
      return Error{Errc::kMalformed, subject,
                   fmt::format("added_tokens_decoder: {} is no id", EscapeForPeople(member.key))};
    }
    added.push_back(HM_TRY(ReadAddedToken(member.value, subject, id)));
  }
  return added;
}

// added_tokens.json: texts and their ids.
Result<std::vector<AddedToken>> AddedTokensFile(const Folder& folder) {
  std::vector<AddedToken> added;
  const auto document = HM_TRY(ReadJsonFile(folder, "added_tokens.json"));
  if (!document) return added;
  for (const JsonMember& member : document->Root().Members()) {
    const auto id = member.value.AsU64();
    if (!id || *id >= kMaxTokens || member.key.empty()) {
      return Error{
          Errc::kMalformed, document->Subject(),
          fmt::format("token {} has no id below {}", EscapeForPeople(member.key), kMaxTokens)};
    }
    added.push_back({static_cast<std::uint32_t>(*id), std::string(member.key), false});
  }
  return added;
}

// Puts `token` at `id` of a vocabulary of fixed size.
void Place(std::uint32_t id, Token token, Tokenizer& tokenizer) {
  if (id >= tokenizer.tokens.size()) {
    tokenizer.notes.push_back(fmt::format("token {}, {}, is beyond the {} tokens of the model", id,
                                          EscapeForPeople(token.text), tokenizer.tokens.size()));
  } else {
    tokenizer.tokens[id] = std::move(token);
  }
}

// Where there is nothing else to say it, as in Meta's folders, the model file tells the roles.
void TakeSettings(const SentencePieceModel& model, Tokenizer& tokenizer) {
  for (const auto& [role, id] :
       {std::pair{SpecialRole::kBos, model.bos_id}, std::pair{SpecialRole::kEos, model.eos_id},
        std::pair{SpecialRole::kUnknown, model.unk_id},
        std::pair{SpecialRole::kPadding, model.pad_id}}) {
    if (id >= 0 && static_cast<std::size_t>(id) < tokenizer.tokens.size()) {
      tokenizer.SetId(role, static_cast<std::uint32_t>(id));
    }
  }
  if (!model.add_dummy_prefix) tokenizer.add_space_prefix = false;
}

Result<Tokenizer> FromSentencePiece(const Folder& folder, const SentencePieceModel& model,
                                    const TokenizerSources& sources, const ModelFacts& facts) {
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kSentencePiece;
  tokenizer.pre_tokenizer = "default";
  tokenizer.tokens = model.pieces;
  for (Token& token : tokenizer.tokens) {
    // llama.cpp's converter takes them for pieces like others, unless they are added tokens too.
    if (token.type == TokenType::kUserDefined) token.type = TokenType::kNormal;
  }
  if (facts.vocab_size && *facts.vocab_size < tokenizer.tokens.size()) {
    tokenizer.notes.push_back(fmt::format("the model has {} tokens, {} pieces are left out",
                                          *facts.vocab_size,
                                          tokenizer.tokens.size() - *facts.vocab_size));
    tokenizer.tokens.resize(*facts.vocab_size);
  }
  Pad(facts.vocab_size.value_or(0), kPaddingScore, tokenizer.tokens);
  if (model.has_character_map) {
    tokenizer.notes.push_back(
        fmt::format("the normaliser {} is not kept", EscapeForPeople(model.normaliser)));
  }

  for (const AddedToken& added : HM_TRY(AddedTokensFile(folder))) {
    Place(added.id, {added.text, kAddedScore, TokenType::kUserDefined}, tokenizer);
  }
  auto added = HM_TRY(AddedTokensDecoder(sources));
  if (facts.architecture == "phi3") {
    // Its converter goes by what the files say, and asks tokenizer.json too.
    if (sources.tokenizer_json) {
      const auto& more = sources.tokenizer_json->added;
      added.insert(added.end(), more.begin(), more.end());
    }
    for (const AddedToken& token : added) {
      const TokenType type = token.special ? TokenType::kControl : TokenType::kUserDefined;
      Place(token.id, {token.text, kAddedScore, type}, tokenizer);
    }
  } else {
    for (const AddedToken& token : added) Place(token.id, AddedAs(token, kAddedScore), tokenizer);
  }

  if (sources.config || sources.tokenizer_config) {
    HM_TRY(ReadSettings(folder, sources, tokenizer));
  } else {
    TakeSettings(model, tokenizer);
  }
  if (facts.Gemma()) tokenizer.add_space_prefix = false;
  return tokenizer;
}

// What tokenizer.json and added_tokens_decoder add, each token once.
Result<std::vector<AddedToken>> AllAdded(const TokenizerSources& sources) {
  std::vector<AddedToken> added = sources.tokenizer_json->added;
  auto more = HM_TRY(AddedTokensDecoder(sources));
  added.insert(added.end(), more.begin(), more.end());
  std::ranges::stable_sort(added, {}, &AddedToken::id);
  const auto rest = std::ranges::unique(added, {}, &AddedToken::id);
  added.erase(rest.begin(), rest.end());
  return added;
}

Result<void> CheckDistinct(const std::vector<Token>& tokens, const std::string& subject) {
  std::vector<std::string_view> texts;
  texts.reserve(tokens.size());
  for (const Token& token : tokens) {
    if (!token.text.empty()) texts.push_back(token.text);
  }
  const auto repeated = FindRepeated(texts);
  if (!repeated) return {};
  return Error{Errc::kMalformed, subject,
               fmt::format("two ids have the token {}", EscapeForPeople(*repeated))};
}

Result<Tokenizer> FromJson(const Folder& folder, TokenizerSources& sources,
                           const ModelFacts& facts) {
  TokenizerJson& json = *sources.tokenizer_json;
  const std::vector<AddedToken> added = HM_TRY(AllAdded(sources));
  Tokenizer tokenizer;
  tokenizer.kind = json.kind;
  tokenizer.tokens = std::move(json.tokens);
  tokenizer.notes = json.notes;
  const bool pieces = json.kind == TokenizerKind::kSentencePiece;
  if (!added.empty() && added.back().id >= tokenizer.tokens.size()) {
    tokenizer.tokens.resize(added.back().id + 1, Token{{}, 0, TokenType::kUnused});
  }
  if (pieces) {
    for (Token& token : tokenizer.tokens) {
      if (token.text.empty()) continue;
      if (IsByteToken(token.text)) token.type = TokenType::kByte;
      if (token.text == json.unknown_token) token.type = TokenType::kUnknown;
    }
  }
  for (const AddedToken& token : added) {
    Token& place = tokenizer.tokens[token.id];
    if (place.type == TokenType::kUnknown) continue;
    const bool in_model = !place.text.empty();
    place = AddedAs(token, pieces && !in_model ? kAddedScore : 0);
  }
  HM_TRY(CheckDistinct(tokenizer.tokens, json.document.Subject()));
  if (facts.vocab_size && *facts.vocab_size < tokenizer.tokens.size()) {
    tokenizer.notes.push_back(fmt::format("the model has {} tokens, its tokenizer {}",
                                          *facts.vocab_size, tokenizer.tokens.size()));
  }
  Pad(facts.vocab_size.value_or(0), pieces ? kPaddingScore : 0, tokenizer.tokens);
  HM_TRY(ReadSettings(folder, sources, tokenizer));
  if (pieces) {
    tokenizer.pre_tokenizer = "default";
    ScoreByMerges(json.merges, tokenizer.tokens);
    if (!json.prepends_space) tokenizer.add_space_prefix = false;
    return tokenizer;
  }
  tokenizer.merges = std::move(json.merges);
  const PreTokenizer* pre =
      FindPreTokenizer(json.steps, {facts.architecture, tokenizer.Adds(SpecialRole::kBos)});
  if (pre != nullptr) tokenizer.pre_tokenizer = pre->name;
  tokenizer.pre_tokenizer_steps = SpellSteps(json.steps);
  return tokenizer;
}

Result<Tokenizer> FromTiktoken(std::string_view text, const std::string& subject,
                               const ModelFacts& facts) {
  const std::vector<std::string> ranks = HM_TRY(ReadTiktoken(text, subject));
  const std::vector<std::string> special = Llama3SpecialTokens(facts.scales_rope);
  if (facts.vocab_size && *facts.vocab_size != ranks.size() + special.size()) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("{} ranks in a vocabulary of {}: the special tokens of Llama 3 are {}",
                             ranks.size(), *facts.vocab_size, special.size())};
  }
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kBytePairs;
  tokenizer.pre_tokenizer = "llama-bpe";
  tokenizer.merges = HM_TRY(MergesOfRanks(ranks, subject));
  tokenizer.tokens.reserve(ranks.size() + special.size());
  for (const std::string& bytes : ranks) tokenizer.tokens.push_back({ToByteAlphabet(bytes)});
  const auto first = static_cast<std::uint32_t>(ranks.size());
  for (const std::string& name : special) {
    tokenizer.tokens.push_back({name, 0, TokenType::kControl});
  }
  tokenizer.SetId(SpecialRole::kBos, first);
  tokenizer.SetId(SpecialRole::kEos, first + 1);
  tokenizer.SetAdds(SpecialRole::kBos, true);
  tokenizer.SetAdds(SpecialRole::kEos, false);
  return tokenizer;
}

// What llama.cpp's converter knows of single architectures and cannot read in their files.
void ApplyCustoms(const ModelFacts& facts, const TokenizerSources& sources, Tokenizer& tokenizer) {
  tokenizer.architecture = facts.architecture;
  if (facts.architecture == "gemma" && tokenizer.tokens.size() > 107) {
    tokenizer.SetId(SpecialRole::kEndOfTurn, 107);
  }
  if (!facts.LlamaLike()) return;
  if (sources.tokenizer_config) {
    const auto prefix = sources.tokenizer_config->Root().Find("add_prefix_space");
    if (prefix && prefix->AsBool()) tokenizer.add_space_prefix = prefix->AsBool();
  }
  if (facts.vocab_size == 32016 && tokenizer.tokens.size() > 32010) {  // Code Llama
    tokenizer.SetId(SpecialRole::kEndOfTurn, 32010);
  }
  if (facts.vocab_size == 49152) tokenizer.SetAdds(SpecialRole::kBos, false);  // Granite, SmolLM
}

}  // namespace

bool IsAddedType(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUserDefined ||
         type == TokenType::kUnknown;
}

bool IsPaddingName(const Token& token, std::size_t id) {
  return token.type == TokenType::kUnused && token.text == fmt::format("[PAD{}]", id);
}

std::optional<std::uint32_t> Tokenizer::IdOf(SpecialRole role) const {
  const auto found =
      std::ranges::find(special_ids, role, &std::pair<SpecialRole, std::uint32_t>::first);
  return found == special_ids.end() ? std::nullopt : std::optional(found->second);
}

bool Tokenizer::Adds(SpecialRole role) const {
  const auto found = std::ranges::find(adds, role, &std::pair<SpecialRole, bool>::first);
  if (found != adds.end()) return found->second;
  if (role != SpecialRole::kBos) return false;
  if (kind == TokenizerKind::kSentencePiece) return true;
  const PreTokenizer* pre = FindPreTokenizer(pre_tokenizer);
  return pre != nullptr && pre->bos_unless_told;
}

std::optional<std::uint32_t> Tokenizer::UnknownId() const {
  if (const auto id = IdOf(SpecialRole::kUnknown)) return id;
  auto found = std::ranges::find(tokens, TokenType::kUnknown, &Token::type);
  if (found == tokens.end()) found = std::ranges::find(tokens, "<unk>", &Token::text);
  if (found == tokens.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - tokens.begin());
}

std::size_t Tokenizer::CountWithoutPadding() const {
  std::size_t count = tokens.size();
  while (count > 0 && IsPaddingName(tokens[count - 1], count - 1)) --count;
  return count;
}

void Tokenizer::SetId(SpecialRole role, std::uint32_t id) {
  const auto found =
      std::ranges::find(special_ids, role, &std::pair<SpecialRole, std::uint32_t>::first);
  if (found == special_ids.end()) {
    special_ids.emplace_back(role, id);
  } else {
    found->second = id;
  }
}

void Tokenizer::SetAdds(SpecialRole role, bool add) {
  const auto found = std::ranges::find(adds, role, &std::pair<SpecialRole, bool>::first);
  if (found == adds.end()) {
    adds.emplace_back(role, add);
  } else {
    found->second = add;
  }
}

Result<std::optional<Tokenizer>> ReadTokenizer(const Folder& folder) {
  const bool has_model = folder.Has(kModelFile);
  const bool has_json = folder.Has(kJsonFile);
  if (!has_model && !has_json) return std::nullopt;

  TokenizerSources sources;
  sources.config = HM_TRY(ReadJsonFile(folder, "config.json"));
  sources.tokenizer_config = HM_TRY(ReadJsonFile(folder, "tokenizer_config.json"));
  ModelFacts facts;
  if (sources.config) {
    facts = FactsOf(sources.config->Root());
  } else if (const auto params = HM_TRY(ReadJsonFile(folder, "params.json"))) {
    facts = FactsOf(params->Root());
    facts.architecture = "llama";
  }
  if (facts.vocab_size && *facts.vocab_size > kMaxTokens) {
    return TooMany(folder.NameOf(sources.config ? "config.json" : "params.json"),
                   *facts.vocab_size);
  }
  if (has_json) {
    const auto file = HM_TRY(folder.Open(kJsonFile));
    const std::string text = HM_TRY(ReadWholeFile(*file, kMaxTokenizerJsonBytes));
    sources.tokenizer_json = HM_TRY(ReadTokenizerJson(text, file->Name()));
  }

  std::string bytes;
  std::string name;
  if (has_model) {
    const auto file = HM_TRY(folder.Open(kModelFile));
    name = file->Name();
    bytes = HM_TRY(ReadWholeFile(*file, kMaxTokenizerModelBytes));
  }
  const ByteSpan span = std::as_bytes(std::span(bytes));
  Tokenizer tokenizer;
  if (has_model && LooksLikeSentencePiece(span)) {
    const SentencePieceModel model = HM_TRY(ReadSentencePiece(span, std::move(name)));
    tokenizer = HM_TRY(FromSentencePiece(folder, model, sources, facts));
  } else if (has_json) {
    tokenizer = HM_TRY(FromJson(folder, sources, facts));
  } else {
    tokenizer = HM_TRY(FromTiktoken(bytes, name, facts));
  }
  ApplyCustoms(facts, sources, tokenizer);
  return tokenizer;
}

Result<std::vector<TokenizerFile>> WriteTokenizerFiles(const Tokenizer& tokenizer,
                                                       TokenizerFiles files) {
  const bool pieces = tokenizer.kind == TokenizerKind::kSentencePiece;
  std::vector<TokenizerFile> written;
  if (files == TokenizerFiles::kMeta) {
    written.push_back({std::string(kModelFile),
                       HM_TRY(pieces ? WriteSentencePiece(tokenizer) : WriteTiktoken(tokenizer))});
    return written;
  }
  const auto add = [&](std::string_view name, const std::string& text) {
    const ByteSpan bytes = std::as_bytes(std::span(text));
    written.push_back({std::string(name), {bytes.begin(), bytes.end()}});
  };
  add(kJsonFile, HM_TRY(WriteTokenizerJson(tokenizer)));
  add("tokenizer_config.json", WriteTokenizerConfig(tokenizer));
  if (pieces) written.push_back({std::string(kModelFile), HM_TRY(WriteSentencePiece(tokenizer))});
  return written;
}

}  // namespace hallmark
