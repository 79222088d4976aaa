// What hallmark's exit status says; scripts rely on it. docs/exit-codes.md is its page.
#pragma once

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

ExitCode ExitCodeFor(const Error& error);
// The one that counts when several hold: 7 over 6 over 1 over 4 over 5 over 3 over 0.
ExitCode Worse(ExitCode a, ExitCode b);

}  // namespace hallmark
