// JSON objects as Python's json module writes them with sorted keys: what transformers does.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace hallmark {

// A float as Python's repr() spells it: the shortest digits that read back equal, with a point or
// an exponent. `value` is finite.
std::string PythonFloat(double value);
std::string PythonFloat(float value);  // the shortest that reads back equal as f32

class PythonObject {
 public:
  // A value already spelled as JSON, or the text of another object, indented.
  void SetLiteral(std::string_view key, std::string literal);
  void SetText(std::string_view key, std::string_view text);
  void SetInteger(std::string_view key, std::uint64_t value);
  void SetBool(std::string_view key, bool value);
  void SetList(std::string_view key, std::span<const std::string> literals);

  // nullptr: not set.
  const std::string* Find(std::string_view key) const;
  bool Empty() const { return members_.empty(); }

  std::string Indented() const;  // by two spaces, no final newline
  std::string OneLine() const;   // only for values on one line

 private:
  std::map<std::string, std::string, std::less<>> members_;
};

}  // namespace hallmark
