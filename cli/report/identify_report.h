// What `identify` tells, as text and JSON.
#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verify/identify.h"

namespace hallmark {

// 0 only for what was found; a near miss is not it. What could not be read leaves an unknown model
// unknown for want of trying: 3.
ExitCode IdentifyExit(const IdentifyReport& report);

std::string IdentifyText(const IdentifyReport& report, bool verbose, const Style& style,
                         std::size_t width);
std::string IdentifyJson(const IdentifyReport& report, ExitCode exit);

}  // namespace hallmark
