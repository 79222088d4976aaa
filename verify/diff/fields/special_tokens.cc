#include "verify/diff/fields/special_tokens.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hallmark {
namespace {

// A token with the flags that change how it is found in a text.
struct AddedToken {
  std::string text;
  bool strips_left = false;
  bool strips_right = false;
  bool is_word = false;
  friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

bool Flag(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value && value->AsBool().value_or(false);
}

std::optional<AddedToken> TokenOf(const JsonValue& object) {
  const auto content = object.Find("content");
  const auto text = content ? content->AsString() : std::nullopt;
  if (!text) return std::nullopt;
  return AddedToken{std::string(*text), Flag(object, "lstrip"), Flag(object, "rstrip"),
                    Flag(object, "single_word")};
}

// What tokenizer_config.json and tokenizer.json say of added tokens.
class KnownTokens {
 public:
  explicit KnownTokens(const FieldSide& side)
      : config_(side.TryJson("tokenizer_config.json")), tokenizer_(side.TryJson("tokenizer.json")) {
    if (config_) {
      if (const auto decoder = config_->Root().Find("added_tokens_decoder")) {
        for (const JsonMember& member : decoder->Members())
          Add(std::string(member.key), member.value);
      }
    }
    if (!tokenizer_) return;
    if (const auto added = tokenizer_->Root().Find("added_tokens")) {
      for (const JsonValue& item : added->Items()) {
        const auto id = item.Find("id");
        const auto number = id ? id->AsU64() : std::nullopt;
        if (number) Add(std::to_string(*number), item);
      }
    }
  }

  bool HasId(std::string_view text, std::uint64_t id) const {
    const auto found = ids_.find(std::to_string(id));
    return found != ids_.end() && found->second == text;
  }

  // Of a member of special_tokens_map.json.
  bool Says(std::string_view role, const JsonValue& value) const {
    if (!config_) return false;
    auto own = config_->Root().Find(role);
    // Transformers 5's name for it.
    if (!own && role == "additional_special_tokens") {
      own = config_->Root().Find("extra_special_tokens");
    }
    if (value.IsArray() && value.Items().empty() && !own) return true;
    if (!own) return false;
    if (!value.IsArray()) return IsSame(value, *own);
    const std::vector<JsonValue> items = value.Items();
    const std::vector<JsonValue> own_items = own->Items();
    return std::ranges::equal(items, own_items,
                              [&](const JsonValue& a, const JsonValue& b) { return IsSame(a, b); });
  }

 private:
  void Add(std::string id, const JsonValue& object) {
    auto token = TokenOf(object);
    if (!token) return;
    ids_.try_emplace(std::move(id), token->text);
    tokens_.try_emplace(token->text, *token);
  }

  // A text alone has the flags that the files of tokens say, or none.
  std::optional<AddedToken> Whole(const JsonValue& value) const {
    const auto text = value.AsString();
    if (!text) return TokenOf(value);
    const auto known = tokens_.find(*text);
    return known == tokens_.end() ? AddedToken{std::string(*text)} : known->second;
  }
  bool IsSame(const JsonValue& a, const JsonValue& b) const {
    const auto token_a = Whole(a);
    const auto token_b = Whole(b);
    return token_a && token_b && *token_a == *token_b;
  }

  std::optional<JsonDocument> config_;
  std::optional<JsonDocument> tokenizer_;
  std::map<std::string, std::string> ids_;
  std::map<std::string, AddedToken, std::less<>> tokens_;
};

bool IsSameMember(const JsonMember& member, const JsonValue& object) {
  const auto other = object.Find(member.key);
  return other && other->GetKind() == member.value.GetKind() &&
         other->AsString() == member.value.AsString() && other->AsBool() == member.value.AsBool();
}

}  // namespace

bool RepeatsAddedTokens(const FieldSide& side, const JsonValue& decoder) {
  const auto tokenizer = side.TryJson("tokenizer.json");
  const auto added = tokenizer ? tokenizer->Root().Find("added_tokens") : std::nullopt;
  if (!added || !decoder.IsObject()) return false;
  std::map<std::string, JsonValue> tokens;
  for (const JsonValue& item : added->Items()) {
    const auto id = item.Find("id");
    const auto number = id ? id->AsU64() : std::nullopt;
    if (number) tokens.emplace(std::to_string(*number), item);
  }
  return std::ranges::all_of(decoder.Members(), [&](const JsonMember& token) {
    const auto found = tokens.find(std::string(token.key));
    if (found == tokens.end() || !token.value.IsObject()) return false;
    return std::ranges::all_of(token.value.Members(), [&](const JsonMember& member) {
      return IsSameMember(member, found->second);
    });
  });
}

bool RepeatsOtherFiles(const FieldSide& side, std::string_view file) {
  const bool is_map = file == "special_tokens_map.json";
  if (!is_map && file != "added_tokens.json") return false;
  const auto document = side.TryJson(file);
  if (!document || !document->Root().IsObject()) return false;
  const KnownTokens known(side);
  return std::ranges::all_of(document->Root().Members(), [&](const JsonMember& member) {
    if (is_map) return known.Says(member.key, member.value);
    const auto id = member.value.AsU64();
    return id && known.HasId(member.key, *id);
  });
}

}  // namespace hallmark
