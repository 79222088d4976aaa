// hallmark merge-reports: what several workers found, put together to one verdict.
#include "cli/report/merge.h"
#include "cli/report/verify_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxReport = 2'000'000'000;  // bytes

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string output = arguments.Text("--output");
  HM_TRY(session.CheckOutput(output, arguments.Given("--force")));
  std::vector<PartReport> parts;
  for (const std::string& path : arguments.Operands()) {
    const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
    const std::string text = HM_TRY(ReadWholeFile(*file, kMaxReport));
    HM_TRY(file->CheckUnchanged());
    parts.push_back(HM_TRY(ReadPartReport(text, path)));
  }
  HM_TRY(CheckParts(parts));
  std::string text;
  ExitCode exit = ExitCode::kOk;
  if (parts.front().verb == "verify") {
    const VerifyReport report = HM_TRY(MergeVerify(parts));
    exit = VerifyExit(report);
    text = arguments.Given("--json")
               ? VerifyJson(report, exit)
               : VerifyText(report, session.IsVerbose(), session.GetStyle(), session.Width());
  } else {
    MergedList merged = HM_TRY(MergeLists(parts));
    exit = merged.exit;
    text = arguments.Given("--json") ? std::move(merged.json) : std::move(merged.summary);
  }
  HM_TRY(session.PrintTo(output, arguments.Given("--force"), text));
  return exit;
}

}  // namespace

Verb MergeReportsVerb() {
  return {
      .name = "merge-reports",
      .summary = "put the reports of all parts together",
      .description =
          "Takes what verify, hash or id wrote with --part I/N and --json or --json-lines, of "
          "every "
          "part once, and gives the report and the exit status that one worker would have given. "
          "Refused are parts that are missing or there twice, that divided otherwise, asked for "
          "something else, held files against other sources, or found other files, sizes or times: "
          "then something changed between them.\n\n"
          "Reports are not signed. Whoever can write one decides what it says.",
      .operands = {{.name = "REPORT", .help = "the report of one part", .many = true}},
      .options = {VerboseOption("every file, digest and range in full"), JsonOption(),
                  OutputOption("write to FILE, whole or not at all, instead of stdout"),
                  ForceOption()},
      .examples = {{"hallmark merge-reports part-*.jsonl", "one verdict"},
                   {"hallmark merge-reports part-*.jsonl --json -o mirror.json",
                    "one report for scripts"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "what all parts together say holds"},
           {ExitCode::kMismatch, "mismatch: checked, and it does not hold"},
           {ExitCode::kUsage, "the parts do not belong together, or one is there twice"},
           {ExitCode::kInconclusive,
            "partial or inconclusive; a part is missing, or files changed between the parts"},
           {ExitCode::kMalformed, "a report is cut short, or is none"},
           {ExitCode::kDangerous,
            "a file that no digest vouches for could run code when it is loaded"}}),
      .run = Run,
  };
}

}  // namespace hallmark
