// What `derive` tells, as text and JSON.
#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verify/derive/derive.h"

namespace hallmark {

// 0 for what was derived in any way, consistent included; a danger found in either comes before it.
ExitCode DeriveExit(const DeriveReport& report);

// The verdict first, then tensors (those made alike folded into one line, unless `verbose`),
// findings and a hint.
std::string DeriveText(const DeriveReport& report, bool verbose, const Style& style,
                       std::size_t width);
std::string DeriveJson(const DeriveReport& report, ExitCode exit);

}  // namespace hallmark
