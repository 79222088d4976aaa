#include "cli/command.h"

#include <algorithm>
#include <charconv>

namespace hallmark {

const std::vector<std::string>& Arguments::Values(std::string_view option) const {
  const auto found = entries_.find(option);
  HM_CHECK(found != entries_.end());
  return found->second.values;
}

std::string Arguments::Text(std::string_view option) const {
  const std::vector<std::string>& values = Values(option);
  return values.empty() ? entries_.find(option)->second.fallback : values.back();
}

std::optional<std::uint64_t> Arguments::Number(std::string_view option) const {
  const std::string text = Text(option);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> Arguments::List(std::string_view option) const {
  std::vector<std::string> given = Values(option);
  if (given.empty()) given.push_back(Text(option));
  std::vector<std::string> parts;
  for (const std::string& text : given) {
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find(',', start), text.size());
      std::string part = text.substr(start, end - start);
      if (!part.empty() && std::find(parts.begin(), parts.end(), part) == parts.end()) {
        parts.push_back(std::move(part));
      }
      start = end + 1;
    }
  }
  return parts;
}

const Verb* FindVerb(std::span<const Verb> verbs, std::string_view name) {
  const auto found =
      std::find_if(verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name == name; });
  return found == verbs.end() ? nullptr : &*found;
}

}  // namespace hallmark
