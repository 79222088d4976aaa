#include "transform/python_json.h"

#include <fmt/format.h>

#include "src/json/json_writer.h"

namespace hallmark {
namespace {

template <typename Float>
std::string Spell(Float value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string Shifted(std::string_view text) {
  std::string shifted;
  for (const char c : text) {
    shifted += c;
    if (c == '\n') shifted += "  ";
  }
  return shifted;
}

}  // namespace

std::string PythonFloat(double value) { return Spell(value); }
std::string PythonFloat(float value) { return Spell(value); }

void PythonObject::SetLiteral(std::string_view key, std::string literal) {
  members_.insert_or_assign(std::string(key), std::move(literal));
}
void PythonObject::SetText(std::string_view key, std::string_view text) {
  SetLiteral(key, JsonQuoted(text));
}
void PythonObject::SetInteger(std::string_view key, std::uint64_t value) {
  SetLiteral(key, std::to_string(value));
}
void PythonObject::SetBool(std::string_view key, bool value) {
  SetLiteral(key, value ? "true" : "false");
}

void PythonObject::SetList(std::string_view key, std::span<const std::string> literals) {
  std::string list = "[";
  for (const std::string& literal : literals) {
    list += (list.size() == 1 ? "\n  " : ",\n  ") + literal;
  }
  SetLiteral(key, literals.empty() ? "[]" : list + "\n]");
}

const std::string* PythonObject::Find(std::string_view key) const {
  const auto found = members_.find(key);
  return found == members_.end() ? nullptr : &found->second;
}

std::string PythonObject::Indented() const {
  std::string text = "{";
  for (const auto& [key, value] : members_) {
    text += (text.size() == 1 ? "\n  " : ",\n  ") + JsonQuoted(key) + ": " + Shifted(value);
  }
  return members_.empty() ? "{}" : text + "\n}";
}

std::string PythonObject::OneLine() const {
  std::string text = "{";
  for (const auto& [key, value] : members_) {
    text += (text.size() == 1 ? "" : ", ") + JsonQuoted(key) + ": " + value;
  }
  return text + "}";
}

}  // namespace hallmark
