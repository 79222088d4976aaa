#include "transform/tokenizer_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kModel = "tokenizer.ggml.model";
constexpr std::string_view kPre = "tokenizer.ggml.pre";
constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kScores = "tokenizer.ggml.scores";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr std::string_view kAddSpacePrefix = "tokenizer.ggml.add_space_prefix";
constexpr std::string_view kChatTemplate = "tokenizer.chat_template";
constexpr std::string_view kChatTemplates = "tokenizer.chat_templates";

struct RoleKeys {
  SpecialRole role;
  std::string_view id;
  std::string_view add;  // empty: none
};
constexpr RoleKeys kRoleKeys[] = {
    {SpecialRole::kBos, "tokenizer.ggml.bos_token_id", "tokenizer.ggml.add_bos_token"},
    {SpecialRole::kEos, "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_eos_token"},
    {SpecialRole::kUnknown, "tokenizer.ggml.unknown_token_id", ""},
    {SpecialRole::kSeparator, "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.add_sep_token"},
    {SpecialRole::kPadding, "tokenizer.ggml.padding_token_id", ""},
    {SpecialRole::kMask, "tokenizer.ggml.mask_token_id", ""},
    {SpecialRole::kEndOfTurn, "tokenizer.ggml.eot_token_id", ""},
    {SpecialRole::kEndOfMessage, "tokenizer.ggml.eom_token_id", ""},
};

const RoleKeys& KeysOf(SpecialRole role) {
  const auto index = static_cast<std::size_t>(role);
  HM_CHECK(index < std::size(kRoleKeys) && kRoleKeys[index].role == role);
  return kRoleKeys[index];
}

MetadataEntry Text(std::string_view key, std::string_view value) {
  return {std::string(key), std::string(value), MetadataType::kString};
}
MetadataEntry Flag(std::string_view key, bool value) {
  return {std::string(key), value, MetadataType::kBool};
}

template <typename Range, typename Projection>
MetadataEntry Texts(std::string_view key, const Range& values, Projection projection) {
  auto array = std::make_shared<MetadataArray>(MetadataType::kString);
  for (const auto& value : values) array->AppendText(std::invoke(projection, value));
  return {std::string(key), std::shared_ptr<const MetadataArray>(array), MetadataType::kArray};
}

// Four little-endian bytes of each token.
template <typename Projection>
MetadataEntry Numbers(std::string_view key, MetadataType type, const std::vector<Token>& tokens,
                      Projection projection) {
  std::vector<std::byte> bytes(tokens.size() * 4);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    StoreLittle<std::uint32_t>(&bytes[id * 4], projection(tokens[id]));
  }
  auto array = std::make_shared<MetadataArray>(type);
  array->AppendBytes(bytes);
  return {std::string(key), std::shared_ptr<const MetadataArray>(array), MetadataType::kArray};
}

std::string KeyName(std::string_view name) {
  std::string key;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    // A letter beyond ASCII is one "_", not one for each of its bytes.
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) key += plain ? c : '_';
  }
  return key;
}

// The templates that have names, their list, and the one to use.
void AddChatTemplates(const std::vector<ChatTemplate>& templates,
                      std::vector<MetadataEntry>& entries) {
  const ChatTemplate* main = nullptr;
  std::vector<std::string> names;
  for (const ChatTemplate& chat : templates) {
    if (chat.name.empty()) {
      main = &chat;
      continue;
    }
    const std::string name = KeyName(chat.name);
    if (std::ranges::find(names, name) != names.end()) continue;
    entries.push_back(Text(fmt::format("{}.{}", kChatTemplate, name), chat.text));
    names.push_back(name);
  }
  if (!names.empty()) entries.push_back(Texts(kChatTemplates, names, std::identity{}));
  if (main != nullptr) entries.push_back(Text(kChatTemplate, main->text));
}

class GgufReader {
 public:
  GgufReader(std::span<const MetadataEntry> metadata, const std::string& subject)
      : metadata_(metadata), subject_(subject) {}

  const MetadataEntry* Find(std::string_view key) const { return FindMetadata(metadata_, key); }
  // Empty where the key is not there.
  Result<std::string> Text(std::string_view key) const {
    const MetadataEntry* entry = Find(key);
    if (entry == nullptr) return std::string();
    const auto* text = std::get_if<std::string>(&entry->value);
    if (text == nullptr) return OfAnotherType(key, "a string");
    return *text;
  }
  Result<std::optional<bool>> Flag(std::string_view key) const {
    const MetadataEntry* entry = Find(key);
    if (entry == nullptr) return std::nullopt;
    const auto* flag = std::get_if<bool>(&entry->value);
    if (flag == nullptr) return OfAnotherType(key, "a bool");
    return *flag;
  }
  // Null where the key is not there.
  Result<const MetadataArray*> Array(std::string_view key) const {
    const MetadataEntry* entry = Find(key);
    if (entry == nullptr) return nullptr;
    const auto* array = std::get_if<std::shared_ptr<const MetadataArray>>(&entry->value);
    if (array == nullptr || *array == nullptr) return OfAnotherType(key, "an array");
    return array->get();
  }
  Result<const MetadataArray*> Strings(std::string_view key) const {
    const MetadataArray* array = HM_TRY(Array(key));
    if (array != nullptr && array->ElementType() != MetadataType::kString) {
      return OfAnotherType(key, "an array of strings");
    }
    return array;
  }
  // Four bytes for each of `count` tokens.
  Result<const MetadataArray*> Numbers(std::string_view key, std::size_t count,
                                       std::initializer_list<MetadataType> types) const {
    const MetadataArray* array = HM_TRY(Array(key));
    if (array == nullptr) return nullptr;
    if (std::ranges::find(types, array->ElementType()) == types.end()) {
      return OfAnotherType(key, "an array of four-byte numbers");
    }
    if (array->Size() != count) {
      return Malformed(fmt::format("{} has {} values for {} tokens", key, array->Size(), count));
    }
    return array;
  }

  Error Malformed(std::string message) const {
    return Error{Errc::kMalformed, subject_, std::move(message)};
  }

 private:
  Error OfAnotherType(std::string_view key, std::string_view wanted) const {
    return Malformed(fmt::format("{} is not {}", key, wanted));
  }

  std::span<const MetadataEntry> metadata_;
  const std::string& subject_;
};

Result<void> ReadTokens(const GgufReader& reader, const std::string& subject,
                        std::vector<Token>& tokens) {
  const MetadataArray* texts = HM_TRY(reader.Strings(kTokens));
  if (texts == nullptr) return reader.Malformed(fmt::format("{} is not there", kTokens));
  if (texts->Size() > kMaxTokens) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("{} tokens, limit {}", texts->Size(), kMaxTokens)};
  }
  tokens.resize(texts->Size());
  const MetadataArray* scores =
      HM_TRY(reader.Numbers(kScores, tokens.size(), {MetadataType::kF32}));
  const MetadataArray* types =
      HM_TRY(reader.Numbers(kTypes, tokens.size(), {MetadataType::kI32, MetadataType::kU32}));
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    Token& token = tokens[id];
    token.text = texts->TextAt(id);
    if (scores != nullptr) {
      token.score = std::bit_cast<float>(LoadLittle<std::uint32_t>(&scores->Bytes()[id * 4]));
      if (!std::isfinite(token.score)) {
        return reader.Malformed(fmt::format("the score of token {} is no number", id));
      }
    }
    if (types == nullptr) continue;
    const auto type = LoadLittle<std::uint32_t>(&types->Bytes()[id * 4]);
    if (type < 1 || type > 6) {
      return reader.Malformed(fmt::format("{} is no type of token {}", type, id));
    }
    token.type = static_cast<TokenType>(type);
    // Older converters called padding unknown.
    if (token.type == TokenType::kUnknown && token.text == fmt::format("[PAD{}]", id)) {
      token.type = TokenType::kUnused;
    }
  }
  return {};
}

Result<void> ReadRoles(const GgufReader& reader, Tokenizer& tokenizer) {
  for (const RoleKeys& keys : kRoleKeys) {
    if (const MetadataEntry* entry = reader.Find(keys.id)) {
      const auto* id = std::get_if<std::uint64_t>(&entry->value);
      if (id == nullptr) return reader.Malformed(fmt::format("{} is no id", keys.id));
      if (*id < tokenizer.tokens.size()) {
        tokenizer.SetId(keys.role, static_cast<std::uint32_t>(*id));
      } else {
        tokenizer.notes.push_back(
            fmt::format("{} is {}, beyond the {} tokens", keys.id, *id, tokenizer.tokens.size()));
      }
    }
    if (keys.add.empty()) continue;
    if (const auto add = HM_TRY(reader.Flag(keys.add))) tokenizer.SetAdds(keys.role, *add);
  }
  return {};
}

Result<void> ReadChatTemplates(const GgufReader& reader, Tokenizer& tokenizer) {
  static constexpr std::uint64_t kMaxTemplates = 64;
  if (reader.Find(kChatTemplate) != nullptr) {
    tokenizer.chat_templates.push_back({"", HM_TRY(reader.Text(kChatTemplate))});
  }
  const MetadataArray* names = HM_TRY(reader.Strings(kChatTemplates));
  if (names == nullptr) return {};
  if (names->Size() > kMaxTemplates) {
    return reader.Malformed(
        fmt::format("{} chat templates, limit {}", names->Size(), kMaxTemplates));
  }
  for (std::uint64_t i = 0; i < names->Size(); ++i) {
    const std::string name(names->TextAt(i));
    const std::string key = fmt::format("{}.{}", kChatTemplate, name);
    if (name.empty() || reader.Find(key) == nullptr) continue;
    tokenizer.chat_templates.push_back({name, HM_TRY(reader.Text(key))});
  }
  return {};
}

}  // namespace

Result<std::vector<MetadataEntry>> GgufTokenizer(const Tokenizer& tokenizer,
                                                 const GgufTokenizerOptions& options) {
  const bool pieces = tokenizer.kind == TokenizerKind::kSentencePiece;
  std::string_view pre = tokenizer.pre_tokenizer;
  if (pre.empty()) {
    if (!options.allow_default_pre_tokenizer) {
      return Error{
          Errc::kUnsupported, "tokenizer.json",
          fmt::format("llama.cpp has no name that is known here for this pre-tokenizer: {}",
                      EscapeForPeople(tokenizer.pre_tokenizer_steps)),
          std::nullopt,
          "ask for llama.cpp's default one if text may be cut otherwise than the model "
          "was taught"};
    }
    pre = "default";
  }
  std::vector<MetadataEntry> entries;
  // Each is where its model's converter writes it.
  const bool prefix_last = tokenizer.architecture.starts_with("gemma");
  const auto add_prefix = [&] {
    if (tokenizer.add_space_prefix) {
      entries.push_back(Flag(kAddSpacePrefix, *tokenizer.add_space_prefix));
    }
  };
  if (!prefix_last) add_prefix();
  entries.push_back(Text(kModel, pieces ? "llama" : "gpt2"));
  entries.push_back(Text(kPre, pre));
  entries.push_back(Texts(kTokens, tokenizer.tokens, &Token::text));
  if (pieces) {
    entries.push_back(Numbers(kScores, MetadataType::kF32, tokenizer.tokens, [](const Token& t) {
      return std::bit_cast<std::uint32_t>(t.score);
    }));
  }
  entries.push_back(Numbers(kTypes, MetadataType::kI32, tokenizer.tokens,
                            [](const Token& t) { return static_cast<std::uint32_t>(t.type); }));
  if (!tokenizer.merges.empty()) {
    entries.push_back(Texts(kMerges, tokenizer.merges, std::identity{}));
  }
  for (const auto& [role, id] : tokenizer.special_ids) {
    entries.push_back({std::string(KeysOf(role).id), std::uint64_t{id}, MetadataType::kU32});
  }
  for (const auto& [role, add] : tokenizer.adds) entries.push_back(Flag(KeysOf(role).add, add));
  AddChatTemplates(tokenizer.chat_templates, entries);
  if (prefix_last) add_prefix();
  return entries;
}

Result<std::optional<Tokenizer>> ReadGgufTokenizer(std::span<const MetadataEntry> metadata,
                                                   const std::string& subject) {
  const GgufReader reader(metadata, subject);
  const std::string model = HM_TRY(reader.Text(kModel));
  if (model.empty() || model == "none" || model == "no_vocab") return std::nullopt;
  if (model != "llama" && model != "gpt2") {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("a tokenizer of model {}; only \"llama\" and \"gpt2\" are read",
                             EscapeForPeople(model))};
  }
  Tokenizer tokenizer;
  tokenizer.kind = model == "llama" ? TokenizerKind::kSentencePiece : TokenizerKind::kBytePairs;
  tokenizer.architecture = HM_TRY(reader.Text("general.architecture"));
  tokenizer.pre_tokenizer = HM_TRY(reader.Text(kPre));
  if (tokenizer.pre_tokenizer.empty()) tokenizer.pre_tokenizer = "default";
  HM_TRY(ReadTokens(reader, subject, tokenizer.tokens));
  if (const MetadataArray* merges = HM_TRY(reader.Strings(kMerges))) {
    tokenizer.merges.reserve(merges->Size());
    for (std::uint64_t i = 0; i < merges->Size(); ++i) {
      tokenizer.merges.emplace_back(merges->TextAt(i));
      // A space that begins a merge is a token's own, never what stands between two.
      const std::size_t space = tokenizer.merges.back().find(' ', 1);
      if (space == std::string::npos || space + 1 == tokenizer.merges.back().size()) {
        return reader.Malformed(fmt::format("{}: merge {} is no pair of tokens", kMerges, i));
      }
    }
  }
  HM_TRY(ReadRoles(reader, tokenizer));
  tokenizer.add_space_prefix = HM_TRY(reader.Flag(kAddSpacePrefix));
  HM_TRY(ReadChatTemplates(reader, tokenizer));
  return tokenizer;
}

}  // namespace hallmark
