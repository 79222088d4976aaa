#include "cli/exit_code.h"

#include <algorithm>
#include <array>

namespace hallmark {
namespace {

constexpr std::array kExitCodes = {
    ExitCodeInfo{ExitCode::kOk, "ok",
                 "done; everything asked for holds, and was read (or, with --cached, remembered)"},
    ExitCodeInfo{ExitCode::kMismatch, "mismatch", "checked, and it does not hold"},
    ExitCodeInfo{ExitCode::kUsage, "usage", "the command line itself is wrong; nothing was done"},
    ExitCodeInfo{ExitCode::kInconclusive, "inconclusive",
                 "could not check all of it: missing file, unreadable, no comparable digest"},
    ExitCodeInfo{ExitCode::kMalformed, "malformed", "the input breaks its own format"},
    ExitCodeInfo{ExitCode::kUnsupported, "unsupported", "well-formed, but not known here"},
    ExitCodeInfo{ExitCode::kUntrusted, "untrusted", "signature, key, expiry or rollback"},
    ExitCodeInfo{ExitCode::kDangerous, "dangerous", "loading it elsewhere could run code"},
    ExitCodeInfo{ExitCode::kBug, "bug", "a broken invariant in hallmark: please report it"},
    ExitCodeInfo{ExitCode::kInterrupted, "interrupted",
                 "stopped by a signal; verify goes on at the next file when run again"},
};

// Worst first.
constexpr std::array kOrder = {
    ExitCode::kBug,          ExitCode::kInterrupted, ExitCode::kUsage,     ExitCode::kDangerous,
    ExitCode::kUntrusted,    ExitCode::kMismatch,    ExitCode::kMalformed, ExitCode::kUnsupported,
    ExitCode::kInconclusive, ExitCode::kOk,
};

}  // namespace

std::span<const ExitCodeInfo> AllExitCodes() { return kExitCodes; }

std::string_view ExitCodeName(ExitCode code) {
  const auto* found = std::find_if(kExitCodes.begin(), kExitCodes.end(),
                                   [&](const ExitCodeInfo& info) { return info.code == code; });
  HM_CHECK(found != kExitCodes.end());
  return found->name;
}

ExitCode ExitCodeFor(const Error& error) {
  switch (error.code) {
    case Errc::kUsage:
      return ExitCode::kUsage;
    case Errc::kNotFound:
    case Errc::kIo:
      return ExitCode::kInconclusive;
    case Errc::kMalformed:
      return ExitCode::kMalformed;
    case Errc::kUnsupported:
      return ExitCode::kUnsupported;
    case Errc::kUntrusted:
      return ExitCode::kUntrusted;
    case Errc::kDangerous:
      return ExitCode::kDangerous;
    case Errc::kInterrupted:
      return ExitCode::kInterrupted;
  }
  return ExitCode::kBug;
}

ExitCode Worse(ExitCode a, ExitCode b) {
  return *std::find_if(kOrder.begin(), kOrder.end(),
                       [&](ExitCode code) { return code == a || code == b; });
}

}  // namespace hallmark
