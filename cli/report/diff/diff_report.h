// What `diff` tells: text for people, JSON for scripts, Markdown for a comment, SARIF and JUnit for
// machines that gather results, the exit status for all.
#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verify/diff/diff_report.h"

namespace hallmark {

// The verdict decides; a danger found in what had to be read comes before it.
ExitCode DiffExit(const DiffReport& report);

// The verdict and what explains it first, then layers (those that are alike folded), the tensors
// that differ most, relations, fields, findings, and what was read; all rows if `verbose`.
std::string DiffText(const DiffReport& report, bool verbose, const Style& style, std::size_t width);

std::string DiffJson(const DiffReport& report, ExitCode exit);
// --json-lines: a line for each tensor, then the report without tensors.
std::string DiffJsonLine(const TensorDiff& tensor);
std::string DiffJsonLinesEnd(const DiffReport& report, ExitCode exit);

// GitHub's dialect; short enough for a comment there. Names stand in code spans.
std::string DiffMarkdown(const DiffReport& report);

// SARIF 2.1.0: a result for each tensor, layer and field that differs, each tensor that could not
// be compared, each explanation and each finding.
std::string DiffSarif(const DiffReport& report);

// JUnit's XML: a suite for each layer with a case for each tensor, and suites for the verdict,
// fields and findings.
std::string DiffJunit(const DiffReport& report);

}  // namespace hallmark
