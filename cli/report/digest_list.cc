#include "cli/report/digest_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"

namespace hallmark {
namespace {

struct WrittenName {
  std::string text;
  bool escaped;
};

WrittenName Write(std::string_view name, NameForm form) {
  std::string text;
  if (form == NameForm::kForTerminal) {
    text = EscapeForPeople(name);
  } else {
    for (const char c : name) {
      switch (c) {
        case '\\':
          text += "\\\\";
          break;
        case '\n':
          text += "\\n";
          break;
        case '\r':
          text += "\\r";
          break;
        default:
          text += c;
      }
    }
  }
  const bool escaped = text != name;
  return {std::move(text), escaped};
}

std::string BsdTag(Algorithm algorithm) {
  if (algorithm == Algorithm::kBlake2b) return "BLAKE2b";
  std::string tag(InfoOf(algorithm).name);
  std::transform(tag.begin(), tag.end(), tag.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return tag;
}

}  // namespace

std::string GnuLine(const Digest& digest, std::string_view name, NameForm form) {
  const WrittenName written = Write(name, form);
  return fmt::format("{}{}  {}\n", written.escaped ? "\\" : "", digest.Hex(), written.text);
}

std::string BsdLine(const Digest& digest, std::string_view name, NameForm form) {
  const WrittenName written = Write(name, form);
  return fmt::format("{}{} ({}) = {}\n", written.escaped ? "\\" : "", BsdTag(digest.GetAlgorithm()),
                     written.text, digest.Hex());
}

}  // namespace hallmark
