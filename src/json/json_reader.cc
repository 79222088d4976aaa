#include "src/json/json_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/base/text.h"

namespace hallmark {

namespace dom = simdjson::dom;

// The bridge between JsonValue's raw bytes and simdjson's element.
struct JsonAccess {
  static_assert(sizeof(dom::element) == 16 && alignof(dom::element) <= 8);
  static_assert(std::is_trivially_copyable_v<dom::element>);

  static dom::element Get(const JsonValue& value) {
    dom::element element;
    std::memcpy(static_cast<void*>(&element), value.raw_.data(), sizeof element);
    return element;
  }
  static JsonValue Make(const dom::element& element) {
    JsonValue value;
    std::memcpy(value.raw_.data(), static_cast<const void*>(&element), sizeof element);
    return value;
  }
};

JsonValue::Kind JsonValue::GetKind() const {
  switch (JsonAccess::Get(*this).type()) {
    case dom::element_type::ARRAY:
      return Kind::kArray;
    case dom::element_type::OBJECT:
      return Kind::kObject;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
      return Kind::kInteger;
    case dom::element_type::DOUBLE:
      return Kind::kFloat;
    case dom::element_type::STRING:
      return Kind::kString;
    case dom::element_type::BOOL:
      return Kind::kBool;
    case dom::element_type::NULL_VALUE:
      return Kind::kNull;
  }
  return Kind::kNull;
}

std::optional<bool> JsonValue::AsBool() const {
  bool value;
  if (JsonAccess::Get(*this).get_bool().get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> JsonValue::AsU64() const {
  std::uint64_t value;
  if (JsonAccess::Get(*this).get_uint64().get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<double> JsonValue::AsDouble() const {
  double value;
  if (JsonAccess::Get(*this).get_double().get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<std::string_view> JsonValue::AsString() const {
  std::string_view value;
  if (JsonAccess::Get(*this).get_string().get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::vector<JsonValue> JsonValue::Items() const {
  std::vector<JsonValue> items;
  dom::array array;
  if (JsonAccess::Get(*this).get_array().get(array) != simdjson::SUCCESS) return items;
  items.reserve(array.size());
  for (const dom::element item : array) items.push_back(JsonAccess::Make(item));
  return items;
}

std::vector<JsonMember> JsonValue::Members() const {
  std::vector<JsonMember> members;
  dom::object object;
  if (JsonAccess::Get(*this).get_object().get(object) != simdjson::SUCCESS) return members;
  members.reserve(object.size());
  for (const dom::key_value_pair field : object) {
    members.push_back({field.key, JsonAccess::Make(field.value)});
  }
  return members;
}

std::optional<JsonValue> JsonValue::Find(std::string_view key) const {
  dom::object object;
  if (JsonAccess::Get(*this).get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
  for (const dom::key_value_pair field : object) {
    if (field.key == key) return JsonAccess::Make(field.value);
  }
  return std::nullopt;
}

namespace {

// Returns a key that stands twice in one object anywhere below `element`.
std::optional<std::string_view> FindDuplicateKey(dom::element element) {
  if (dom::array array; element.get_array().get(array) == simdjson::SUCCESS) {
    for (const dom::element item : array) {
      if (const auto key = FindDuplicateKey(item)) return key;
    }
  } else if (dom::object object; element.get_object().get(object) == simdjson::SUCCESS) {
    std::vector<std::string_view> keys;
    keys.reserve(object.size());
    for (const dom::key_value_pair field : object) {
      keys.push_back(field.key);
      if (const auto key = FindDuplicateKey(field.value)) return key;
    }
    if (const auto key = FindRepeated(keys)) return key;
  }
  return std::nullopt;
}

// Where, outside of strings, one of the words stands that Python's json writes for numbers JSON has
// not.
std::optional<std::size_t> FindPythonNumber(std::string_view text) {
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\') ++i;
    if (in_string || (text[i] != 'N' && text[i] != 'I')) continue;
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("NaN") || rest.starts_with("Infinity")) return i;
  }
  return std::nullopt;
}

}  // namespace

struct JsonDocument::Parsed {
  dom::parser parser;
};

JsonDocument::JsonDocument() : parsed_(std::make_unique<Parsed>()) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::Parse(std::string_view text, std::string subject,
                                         std::uint64_t base, JsonLimits limits) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3), base += 3;
  if (text.size() > limits.max_bytes) {
    return Error{Errc::kUnsupported, std::move(subject),
                 fmt::format("JSON of {} bytes, limit {}", text.size(), limits.max_bytes), base};
  }
  if (text.empty()) text = "";  // simdjson copies from where it begins, which may be nowhere
  JsonDocument document;
  dom::parser& parser = document.parsed_->parser;
  if (parser.allocate(std::max<std::size_t>(text.size(), 64), limits.max_depth) !=
      simdjson::SUCCESS) {
    return Error{Errc::kUnsupported, std::move(subject), "no memory for this JSON", base};
  }
  dom::element root;
  if (const auto code = parser.parse(text.data(), text.size(), true).get(root);
      code != simdjson::SUCCESS) {
    std::string reason(simdjson::error_message(code));
    if (code == simdjson::TAPE_ERROR) reason = "the syntax is broken";
    if (code == simdjson::DEPTH_ERROR) {
      reason = fmt::format("nested deeper than {} levels", limits.max_depth);
    }
    if (code == simdjson::EMPTY) reason = "no value in it";
    if (const auto at = FindPythonNumber(text)) {
      return Error{Errc::kMalformed, std::move(subject),
                   "not valid JSON: NaN and Infinity, which Python writes, are no numbers in it",
                   base + *at, "put a number there that the model can use"};
    }
    return Error{Errc::kMalformed, std::move(subject), "not valid JSON: " + reason, base};
  }
  if (const auto key = FindDuplicateKey(root)) {
    return Error{Errc::kMalformed, std::move(subject),
                 fmt::format("the JSON key {} stands twice in one object", EscapeForPeople(*key)),
                 base};
  }
  document.subject_ = std::move(subject);
  document.root_ = JsonAccess::Make(root);
  return document;
}

}  // namespace hallmark
