// Values of fields as JSON text for a report: cut where they are long, nothing in it that a
// terminal would obey.
#pragma once

#include <string>
#include <string_view>

#include "formats/metadata.h"
#include "src/json/json_reader.h"

namespace hallmark {

// A text as a JSON string: its first 200 characters and "…".
std::string ShortText(std::string_view text);
// Lists and objects are cut after about as many characters.
std::string ShortValue(const JsonValue& value);
std::string ShortValue(const MetadataValue& value, MetadataType type);
std::string ShortNumber(double number, bool is_f32 = false);

// Two texts that differ, both cut at the same place before their first difference where that lies
// far behind.
struct ShownTexts {
  std::string a, b;
};
ShownTexts ShowTexts(std::string_view a, std::string_view b);

// A key of a file in a path: escaped for people, cut at 80 characters.
std::string ShortKey(std::string_view key);

}  // namespace hallmark
