// Any bytes are refused, or read as JSON whose objects have no key twice; and what is read and
// written canonically reads as the same, byte for byte.
#include <algorithm>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

// Writes `value` if the canonical form can hold it; false for floats and integers beyond 2^53.
bool WriteValue(JsonValue value, JsonWriter& writer) {
  static constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;
  switch (value.GetKind()) {
    case JsonValue::Kind::kNull:
      writer.Null();
      return true;
    case JsonValue::Kind::kBool:
      writer.Bool(value.AsBool().value());
      return true;
    case JsonValue::Kind::kFloat:
      HM_CHECK(value.AsDouble().has_value());
      writer.Null();
      return false;
    case JsonValue::Kind::kInteger: {
      const auto number = value.AsDouble();  // exact as far as kLargest
      HM_CHECK(number.has_value());
      const bool exact = *number <= kLargest && *number >= -kLargest;
      exact ? writer.Signed(static_cast<std::int64_t>(*number)) : writer.Null();
      return exact;
    }
    case JsonValue::Kind::kString:
      writer.String(value.AsString().value());
      return IsValidUtf8(*value.AsString());
    case JsonValue::Kind::kArray: {
      bool exact = true;
      writer.BeginArray();
      for (const JsonValue item : value.Items()) exact = WriteValue(item, writer) && exact;
      writer.EndArray();
      return exact;
    }
    case JsonValue::Kind::kObject: {
      bool exact = true;
      std::vector<std::string_view> keys;
      writer.BeginObject();
      for (const JsonMember& member : value.Members()) {
        keys.push_back(member.key);
        writer.Key(member.key);
        exact = WriteValue(member.value, writer) && IsValidUtf8(member.key) && exact;
      }
      writer.EndObject();
      std::sort(keys.begin(), keys.end());
      HM_CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
      return exact;
    }
  }
  return false;
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = JsonDocument::Parse(text, "fuzz");
  if (!document) {
    HM_CHECK(!document.error().message.empty());
    return 0;
  }
  JsonWriter first(JsonWriter::Form::kCanonical);
  if (!WriteValue(document->Root(), first)) return 0;
  const std::string canonical = first.Take();
  const auto again = JsonDocument::Parse(canonical, "canonical");
  HM_CHECK(again.has_value());
  JsonWriter second(JsonWriter::Form::kCanonical);
  HM_CHECK(WriteValue(again->Root(), second));
  HM_CHECK(second.Take() == canonical);
  return 0;
}
