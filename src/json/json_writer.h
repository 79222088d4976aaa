// Writes JSON text: reports in the order given, statements in RFC 8785 canonical form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark {

// Whole numbers from here on are inexact in JSON (RFC 8785, 3.2.2.3).
inline constexpr std::uint64_t kJsonIntegerLimit = std::uint64_t{1} << 53;

// A streaming writer. Calls must nest properly (a broken nesting is a bug, not an error).
// Strings should be UTF-8; bytes that are not are written as the text \xHH.
class JsonWriter {
 public:
  enum class Form {
    kCompact,    // one line, members in call order
    kPretty,     // indented by two spaces, members in call order
    kCanonical,  // RFC 8785: no white space, members sorted by UTF-16 code units
  };
  explicit JsonWriter(Form form) : form_(form) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);

  JsonWriter& String(std::string_view text);
  JsonWriter& Unsigned(std::uint64_t value);  // canonical: at most 2^53 - 1 (RFC 8785 3.2.2.3)
  JsonWriter& Signed(std::int64_t value);
  JsonWriter& Float(double value);  // finite; not in canonical form (statements hold no floats)
  JsonWriter& Bool(bool value);
  JsonWriter& Null();

  // Key and value in one call.
  JsonWriter& Member(std::string_view key, std::string_view text) { return Key(key).String(text); }
  JsonWriter& Member(std::string_view key, std::uint64_t value) { return Key(key).Unsigned(value); }

  // The finished text, without a final newline.
  std::string Take();

 private:
  struct Part {
    std::string key;
    std::string text;
  };
  struct Frame {
    bool is_object;
    std::vector<Part> parts;
  };
  void Add(std::string text);
  void Close();

  Form form_;
  std::vector<Frame> frames_;
  std::string key_;
  bool has_key_ = false;
  std::string result_;
};

// `text` as a JSON string literal with its quotes, escaped as RFC 8785 3.2.2.2 says.
std::string JsonQuoted(std::string_view text);

}  // namespace hallmark
