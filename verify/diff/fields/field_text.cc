#include "verify/diff/fields/field_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>

#include "src/base/text.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownChars = 200;
constexpr std::size_t kKeyChars = 80;
constexpr std::size_t kCharsBefore = 40;  // a difference that lies far behind
constexpr std::string_view kMore = "…";

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The first `count` characters, and never more bytes than they can have.
std::string_view FirstChars(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t chars = 0; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && ++chars > count) break;
    if (end >= 4 * count) break;
  }
  return text.substr(0, end);
}

// The end of the character that begins at `at` of a text that is UTF-8.
std::size_t NextChar(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && IsContinuation(text[at])) ++at;
  return at;
}

std::uint32_t CodePoint(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  std::uint32_t code = lead & (0x7Fu >> character.size());
  for (const char byte : character.substr(1)) {
    code = (code << 6) | (static_cast<unsigned char>(byte) & 0x3F);
  }
  return code;
}

// JSON text with what must not be shown as it is (RFC 8259 allows it) as \u escapes too.
std::string Showable(std::string_view json) {
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t end = NextChar(json, at);
    const std::string_view character = json.substr(at, end - at);
    at = end;
    if (character == "\\" || EscapeForPeople(character) == character) {
      out += character;
      continue;
    }
    const std::uint32_t code = CodePoint(character);
    if (code < 0x10000) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10),
                         0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

// `text` with "…" where something was left out.
std::string Quoted(std::string_view text, bool cut_before) {
  const std::string_view first = FirstChars(text, kShownChars);
  std::string shown(cut_before ? kMore : "");
  shown += first;
  if (first.size() < text.size()) shown += kMore;
  return Showable(JsonQuoted(shown));
}

// Appends until the text is long enough; false: it was.
bool Append(const JsonValue& value, std::string& out) {
  using Kind = JsonValue::Kind;
  const auto is_full = [&] { return out.size() > kShownChars; };
  switch (value.GetKind()) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kBool:
      out += *value.AsBool() ? "true" : "false";
      break;
    case Kind::kInteger:
    case Kind::kFloat: {
      const auto whole = value.AsU64();
      out += whole ? std::to_string(*whole) : ShortNumber(value.AsDouble().value_or(0));
      break;
    }
    case Kind::kString:
      out += ShortText(*value.AsString());
      break;
    case Kind::kArray: {
      out += '[';
      bool first = true;
      for (const JsonValue& item : value.Items()) {
        if (!std::exchange(first, false)) out += ',';
        if (is_full() || !Append(item, out)) return false;
      }
      out += ']';
      break;
    }
    case Kind::kObject: {
      out += '{';
      bool first = true;
      for (const JsonMember& member : value.Members()) {
        if (!std::exchange(first, false)) out += ',';
        if (is_full()) return false;
        out += ShortText(member.key) + ':';
        if (!Append(member.value, out)) return false;
      }
      out += '}';
      break;
    }
  }
  return true;
}

bool Append(const MetadataValue& value, MetadataType type, std::string& out) {
  if (const auto* array = std::get_if<std::shared_ptr<const MetadataArray>>(&value)) {
    out += '[';
    for (std::uint64_t i = 0; i < (*array)->Size(); ++i) {
      if (i != 0) out += ',';
      if (out.size() > kShownChars) return false;
      if ((*array)->ElementType() == MetadataType::kString) {
        out += ShortText((*array)->TextAt(i));
      } else if (!Append((*array)->At(i), (*array)->ElementType(), out)) {
        return false;
      }
    }
    out += ']';
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out += ShortText(*text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* negative = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*negative);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    out += std::to_string(*natural);
  } else {
    out += ShortNumber(std::get<double>(value), type == MetadataType::kF32);
  }
  return true;
}

}  // namespace

std::string ShortText(std::string_view text) { return Quoted(text, false); }

std::string ShortNumber(double number, bool is_f32) {
  // JSON has no words for these; NaNs differ by their bits.
  if (std::isnan(number)) {
    return fmt::format("\"nan {:016x}\"", std::bit_cast<std::uint64_t>(number));
  }
  if (std::isinf(number)) return number < 0 ? "\"-infinity\"" : "\"infinity\"";
  // The shortest text of an f32 is not that of the double that holds it.
  return is_f32 ? fmt::format("{}", static_cast<float>(number)) : fmt::format("{}", number);
}

std::string ShortValue(const JsonValue& value) {
  std::string out;
  if (!Append(value, out)) out += kMore;
  return out;
}

std::string ShortValue(const MetadataValue& value, MetadataType type) {
  std::string out;
  if (!Append(value, type, out)) out += kMore;
  return out;
}

ShownTexts ShowTexts(std::string_view a, std::string_view b) {
  const std::size_t common = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  if (common <= kShownChars - kCharsBefore) return {Quoted(a, false), Quoted(b, false)};
  // What precedes the difference is the same in both, and so are the boundaries of characters.
  std::size_t from = common;
  for (std::size_t chars = 0; from > 0 && chars <= kCharsBefore && common - from < 4 * kCharsBefore;
       ++chars) {
    --from;
    while (from > 0 && common - from < 4 * kCharsBefore && IsContinuation(a[from])) --from;
  }
  return {Quoted(a.substr(from), true), Quoted(b.substr(from), true)};
}

std::string ShortKey(std::string_view key) {
  const std::string_view first = FirstChars(key, kKeyChars);
  std::string shown = EscapeForPeople(first);
  if (first.size() < key.size()) shown += kMore;
  return shown;
}

}  // namespace hallmark
