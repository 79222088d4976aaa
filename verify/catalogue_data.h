// The built-in catalogue's JSON texts, embedded at build time from verify/catalogue/*.json.
#pragma once

#include <span>
#include <string_view>

namespace hallmark {

struct EmbeddedText {
  std::string_view name;  // "llama-1.json"
  std::string_view text;
};
std::span<const EmbeddedText> EmbeddedCatalogues();  // by name

}  // namespace hallmark
