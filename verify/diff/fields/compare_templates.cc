#include "verify/diff/fields/compare_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

constexpr std::string_view kArea = "chat template";
constexpr std::size_t kShownTemplates = 40;

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
                          Absence absence_in_a, Absence absence_in_b, FieldComparison& out) {
  const Absence absences[] = {absence_in_a, absence_in_b};
  const bool is_exact = absence_in_a == Absence::kDiffers && absence_in_b == Absence::kDiffers;
  const auto key = [&](const ChatTemplate& chat) {
    return is_exact ? chat.name : PlainName(chat.name);
  };
  struct Pair {
    const ChatTemplate* sides[2] = {};
  };
  std::map<std::string, Pair> pairs;
  const std::span<const ChatTemplate> both[] = {a, b};
  for (const int side : {0, 1}) {
    std::uint64_t hidden = 0;
    for (const ChatTemplate& chat : both[side]) {
      const ChatTemplate*& known = pairs[key(chat)].sides[side];
      if (known == nullptr) {
        known = &chat;
      } else if (known->text != chat.text) {
        ++hidden;
      }
    }
    if (hidden == 0) continue;
    out.unsettled.push_back(fmt::format("{} of {}'s chat templates: others have the same names",
                                        hidden, kSideNames[side]));
  }
  const std::size_t before = out.differing.size();
  std::uint64_t unshown = 0;
  std::uint64_t lacking = 0;
  for (const auto& [plain, pair] : pairs) {
    const auto& [in_a, in_b] = pair.sides;
    const std::string name = FieldName((in_a != nullptr ? in_a : in_b)->name);
    const Absence absence = absences[in_a != nullptr];  // only read where one lacks it
    const bool has_both = in_a != nullptr && in_b != nullptr;
    if (out.differing.size() - before >= kShownTemplates &&
        (has_both ? in_a->text != in_b->text : absence == Absence::kDiffers)) {
      ++out.compared;
      ++unshown;
    } else if (has_both) {
      CompareTexts(kArea, name, in_a->text, in_b->text, out);
    } else if (absence == Absence::kDiffers) {
      ++out.compared;
      out.differing.push_back({std::string(kArea), name, in_a ? ShortText(in_a->text) : "",
                               in_b ? ShortText(in_b->text) : ""});
    } else {
      if (++lacking > kShownTemplates) continue;
      auto& reasons = absence == Absence::kUnsettled ? out.unsettled : out.not_compared;
      reasons.push_back(fmt::format("{} has no {}", kSideNames[in_a != nullptr], name));
    }
  }
  if (lacking > kShownTemplates) {
    out.unsettled.push_back(
        fmt::format("{} more chat templates that one side lacks", lacking - kShownTemplates));
  }
  if (unshown == 0) return;
  out.differing.push_back({std::string(kArea),
                           fmt::format("elsewhere: {} more templates differ", unshown),
                           std::to_string(a.size()), std::to_string(b.size())});
}

}  // namespace hallmark
