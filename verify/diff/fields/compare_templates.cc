#include "verify/diff/fields/compare_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

constexpr std::string_view kArea = "chat template";

// As GGUF's keys keep it: letters and digits.
std::string PlainName(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const bool is_plain =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) plain += is_plain ? c : '_';
  }
  return plain;
}

std::string FieldName(std::string_view name) {
  return name.empty() ? "chat_template" : "chat_template " + ShortKey(name);
}

}  // namespace

void CompareTexts(std::string_view area, std::string_view name, std::string_view a,
                  std::string_view b, FieldComparison& out) {
  ++out.compared;
  if (a == b) return;
  const auto common = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const std::string_view before = a.substr(0, common);
  const std::size_t begin = before.rfind('\n') + 1;  // of the line; npos + 1 is 0
  const auto line_of = [&](std::string_view text) {
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  ShownTexts shown = ShowTexts(line_of(a), line_of(b));
  // They differ behind the line's end only: one of them goes on.
  if (line_of(a) == line_of(b)) shown = ShowTexts(a.substr(begin), b.substr(begin));
  out.differing.push_back({std::string(area),
                           fmt::format("{}, line {}", name, std::ranges::count(before, '\n') + 1),
                           std::move(shown.a), std::move(shown.b)});
}

void CompareChatTemplates(std::span<const ChatTemplate> a, std::span<const ChatTemplate> b,
                          bool same_kind, FieldComparison& out) {
  struct Pair {
    const ChatTemplate* sides[2] = {};
  };
  std::map<std::string, Pair> pairs;
  for (const ChatTemplate& chat : a) {
    if (auto& side = pairs[PlainName(chat.name)].sides[0]; side == nullptr) side = &chat;
  }
  for (const ChatTemplate& chat : b) {
    if (auto& side = pairs[PlainName(chat.name)].sides[1]; side == nullptr) side = &chat;
  }
  for (const auto& [plain, pair] : pairs) {
    const auto& [in_a, in_b] = pair.sides;
    const std::string name = FieldName((in_a != nullptr ? in_a : in_b)->name);
    if (in_a != nullptr && in_b != nullptr) {
      CompareTexts(kArea, name, in_a->text, in_b->text, out);
    } else if (same_kind) {
      ++out.compared;
      out.differing.push_back({std::string(kArea), name, in_a ? ShortText(in_a->text) : "",
                               in_b ? ShortText(in_b->text) : ""});
    } else {
      out.not_compared.push_back(fmt::format("{} has no {}", kSideNames[in_a != nullptr], name));
    }
  }
}

}  // namespace hallmark
