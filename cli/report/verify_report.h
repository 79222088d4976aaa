// What `verify` tells: text for people, JSON for scripts, the exit status for both.
#pragma once

#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verify/verify_report.h"

namespace hallmark {

// The verdict decides. Beyond it, a danger found in a file whose digest does not match counts: the
// source does not vouch for that file.
ExitCode VerifyExit(const VerifyReport& report);

// A wrong size or an unfinished download, which is worth knowing before hours of hashing. Not yet
// escaped.
std::string EarlyNote(const FileVerdict& file);

// The verdict first, then files (those that match folded, unless `verbose`), weights, sources,
// findings and a hint.
std::string VerifyText(const VerifyReport& report, bool verbose, const Style& style,
                       std::size_t width);
std::string VerifyJson(const VerifyReport& report, ExitCode exit);
// --json-lines: a line for a file against the source of that name; then those of files that were
// not told while work went on, and the report without files.
std::string VerifyFileLine(const FileVerdict& file, std::string_view source);
std::string VerifyLastLines(const VerifyReport& report, ExitCode exit);

}  // namespace hallmark
