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

std::string HashdeepHeader(std::span<const Algorithm> algorithms) {
  std::string header = "%%%% HASHDEEP-1.0\n%%%% size,";
  for (const Algorithm algorithm : algorithms) {
    header += fmt::format("{},", InfoOf(algorithm).name);
  }
  return header + "filename\n";
}

std::string HashdeepLine(std::uint64_t size, std::span<const Digest> digests, std::string_view name,
                         NameForm form) {
  const bool plain = name.find_first_of("\r\n") == std::string_view::npos;
  if (!plain && form == NameForm::kBytes) return {};
  std::string line = fmt::format("{},", size);
  for (const Digest& digest : digests) line += digest.Hex() + ",";
  line += form == NameForm::kForTerminal ? EscapeForPeople(name) : std::string(name);
  return line + "\n";
}

std::string GgufHashLine(const Digest& digest, std::string_view name, std::string_view tensor,
                         NameForm form) {
  std::string place(name);
  if (!tensor.empty()) place += fmt::format(":{}", tensor);
  if (form == NameForm::kForTerminal) place = EscapeForPeople(place);
  return fmt::format("{:<8}  {}  {}\n", InfoOf(digest.GetAlgorithm()).name, digest.Hex(), place);
}

}  // namespace hallmark
