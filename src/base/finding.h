// Something worth telling that is not a failure: it goes into reports beside the verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hallmark {

enum class Severity {
  kNote,     // good to know
  kWarning,  // changes how far the result can be relied on
  kDanger,   // loading this elsewhere could run code
};

std::string_view SeverityName(Severity severity);  // "note", "warning", "danger"

struct Finding {
  Severity severity;
  std::string code;     // stable kebab-case slug for scripts, e.g. "unlisted-file"
  std::string subject;  // file or tensor; may hold hostile bytes: escape before printing
  std::string message;  // one line, lower case, no full stop
  std::optional<std::uint64_t> offset = std::nullopt;
};

}  // namespace hallmark
