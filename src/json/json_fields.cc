#include "src/json/json_fields.h"

#include <fmt/format.h>

namespace hallmark {

Error JsonFields::Malformed(std::string_view key, std::string_view wanted) const {
  return Error{Errc::kMalformed, subject_, fmt::format("its \"{}\" is not {}", key, wanted)};
}

Result<JsonValue> JsonFields::Object(const JsonValue& object, std::string_view key) const {
  const auto value = object.Find(key);
  if (!value || !value->IsObject()) return Malformed(key, "an object");
  return *value;
}

Result<std::vector<JsonValue>> JsonFields::Array(const JsonValue& object,
                                                 std::string_view key) const {
  const auto value = object.Find(key);
  if (!value || !value->IsArray()) return Malformed(key, "an array");
  return value->Items();
}

Result<std::string> JsonFields::Text(const JsonValue& object, std::string_view key) const {
  const auto value = object.Find(key);
  const auto text = value ? value->AsString() : std::nullopt;
  if (!text) return Malformed(key, "a text");
  return std::string(*text);
}

Result<std::uint64_t> JsonFields::Number(const JsonValue& object, std::string_view key) const {
  const auto value = object.Find(key);
  const auto number = value ? value->AsU64() : std::nullopt;
  if (!number) return Malformed(key, "a whole number");
  return *number;
}

Result<std::vector<std::string>> JsonFields::Texts(const JsonValue& object,
                                                   std::string_view key) const {
  const std::vector<JsonValue> items = HM_TRY(Array(object, key));
  std::vector<std::string> texts;
  for (const JsonValue& item : items) {
    const auto text = item.AsString();
    if (!text) return Malformed(key, "a list of texts");
    texts.emplace_back(*text);
  }
  return texts;
}

}  // namespace hallmark
