// What hallmark's exit status says; scripts rely on it. docs/exit-codes.md is its page.
#pragma once

#include <span>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

enum class ExitCode {
  kOk = 0,
  kMismatch = 1,
  kUsage = 2,
  kInconclusive = 3,
  kMalformed = 4,
  kUnsupported = 5,
  kUntrusted = 6,
  kDangerous = 7,
  kBug = 70,
  kInterrupted = 130,
};

struct ExitCodeInfo {
  ExitCode code;
  std::string_view name;     // "mismatch"; stable, used in --json
  std::string_view meaning;  // for help and man pages
};

std::span<const ExitCodeInfo> AllExitCodes();  // by number
std::string_view ExitCodeName(ExitCode code);

ExitCode ExitCodeFor(const Error& error);
// The one that counts when several hold: 7 over 6 over 1 over 4 over 5 over 3 over 0. A bug, an
// interruption and a usage error come before all of them: the work was not done.
ExitCode Worse(ExitCode a, ExitCode b);

}  // namespace hallmark
