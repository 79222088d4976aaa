#include "src/json/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// Order of UTF-16 code units: like byte order of UTF-8, but U+E000..U+FFFF sort after the
// supplementary planes (RFC 8785 3.2.3).
bool Utf16Less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return a.size() < b.size();
  const auto p = static_cast<unsigned char>(*x);
  const auto q = static_cast<unsigned char>(*y);
  const bool p_astral = p >= 0xF0;
  const bool q_astral = q >= 0xF0;
  const bool p_high_bmp = p == 0xEE || p == 0xEF;
  const bool q_high_bmp = q == 0xEE || q == 0xEF;
  if (p_astral && q_high_bmp) return true;
  if (p_high_bmp && q_astral) return false;
  return p < q;
}

std::string Indented(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

std::string JsonQuoted(std::string_view text) {
  std::string out = "\"";
  std::string clean;
  if (!IsValidUtf8(text)) {
    for (std::size_t i = 0; i < text.size();) {  // keep valid runs, spell out the rest
      std::size_t length = 1;
      while (length < 4 && i + length <= text.size() && !IsValidUtf8(text.substr(i, length))) {
        ++length;
      }
      if (i + length <= text.size() && length <= 4 && IsValidUtf8(text.substr(i, length))) {
        clean += text.substr(i, length);
        i += length;
      } else {
        clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
        ++i;
      }
    }
    text = clean;
  }
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out += '"';
}

JsonWriter& JsonWriter::BeginObject() {
  HM_CHECK(frames_.empty() || !frames_.back().is_object || has_key_);
  frames_.push_back({true, {}});
  frames_.back().parts.push_back({std::exchange(key_, {}), {}});  // its own key, taken by Close
  has_key_ = false;
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  BeginObject();
  frames_.back().is_object = false;
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  HM_CHECK(!frames_.empty() && frames_.back().is_object && !has_key_);
  Close();
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  HM_CHECK(!frames_.empty() && !frames_.back().is_object);
  Close();
  return *this;
}

void JsonWriter::Close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  key_ = std::move(frame.parts.front().key);
  has_key_ = !frames_.empty() && frames_.back().is_object;
  const auto first = frame.parts.begin() + 1;
  if (form_ == Form::kCanonical && frame.is_object) {
    std::sort(first, frame.parts.end(),
              [](const Part& a, const Part& b) { return Utf16Less(a.key, b.key); });
  }
  const bool pretty = form_ == Form::kPretty && first != frame.parts.end();
  std::string text(1, frame.is_object ? '{' : '[');
  for (auto part = first; part != frame.parts.end(); ++part) {
    if (part != first) text += ',';
    if (pretty) text += "\n  ";
    if (frame.is_object) {
      text += JsonQuoted(part->key);
      text += form_ == Form::kPretty ? ": " : ":";
    }
    text += pretty ? Indented(part->text) : part->text;
    part->text = {};
  }
  if (pretty) text += '\n';
  text += frame.is_object ? '}' : ']';
  Add(std::move(text));
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  HM_CHECK(!frames_.empty() && frames_.back().is_object && !has_key_);
  key_ = key;
  has_key_ = true;
  return *this;
}

void JsonWriter::Add(std::string text) {
  if (frames_.empty()) {
    HM_CHECK(result_.empty());
    result_ = std::move(text);
    return;
  }
  HM_CHECK(frames_.back().is_object == has_key_);
  frames_.back().parts.push_back({std::exchange(key_, {}), std::move(text)});
  has_key_ = false;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Add(JsonQuoted(text));
  return *this;
}

JsonWriter& JsonWriter::Unsigned(std::uint64_t value) {
  HM_CHECK(form_ != Form::kCanonical || value < kJsonIntegerLimit);
  Add(fmt::format("{}", value));
  return *this;
}

JsonWriter& JsonWriter::Signed(std::int64_t value) {
  Add(fmt::format("{}", value));
  return *this;
}

JsonWriter& JsonWriter::Float(double value) {
  HM_CHECK(form_ != Form::kCanonical);
  Add(fmt::format("{}", value));
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Add(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Add("null");
  return *this;
}

std::string JsonWriter::Take() {
  HM_CHECK(frames_.empty() && !result_.empty());
  return std::exchange(result_, {});
}

}  // namespace hallmark
