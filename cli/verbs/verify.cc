// hallmark verify: is this copy what its source says?
#include "verify/verify.h"

#include <fmt/format.h>

#include "cli/places.h"
#include "cli/report/text.h"
#include "cli/report/verify_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"

namespace hallmark {
namespace {

// A wrong size or a missing file is worth knowing before hours of hashing.
void TellEarly(const FileVerdict& file, Session& session) {
  const std::string& name = file.path.empty() ? file.listed_as : file.path;
  if (file.state == FileState::kWrongSize && file.listed_size) {
    session.Note(fmt::format("{}: {} bytes here, {} listed", name, WithCommas(file.size),
                             WithCommas(*file.listed_size)));
  } else {
    session.Note(fmt::format("{}: {}", name, FileStateName(file.state)));
  }
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  std::vector<Source> sources;
  for (const std::string& spec : arguments.Values("--against")) {
    sources.push_back(HM_TRY(OpenSource(spec, session.GetTask())));
  }
  if (arguments.Given("--weights-only") && arguments.Given("--no-weights")) {
    return Error{Errc::kUsage, "verify", "--weights-only and --no-weights leave nothing to do"};
  }
  VerifyOptions options;
  options.include = arguments.Values("--include");
  options.weights_only = arguments.Given("--weights-only");
  options.compare_weights = !arguments.Given("--no-weights");
  options.on_early = [&](const FileVerdict& file) { TellEarly(file, session); };
  options.resume.state_folder = StateFolder();

  const VerifyReport report =
      HM_TRY(Verify(arguments.Operands()[0], std::move(sources), options, session.GetTask()));
  const ExitCode exit = VerifyExit(report);
  if (arguments.Given("--json-lines")) {
    HM_TRY(session.Print(VerifyJsonLines(report)));
  } else if (arguments.Given("--json")) {
    HM_TRY(session.Print(VerifyJson(report, exit)));
  } else {
    HM_TRY(session.Print(
        VerifyText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  }
  return exit;
}

}  // namespace

Verb VerifyVerb() {
  return {
      .name = "verify",
      .summary = "is this copy what its source says?",
      .description =
          "Checks files by their digests and, where files differ or are in another container, the "
          "weights by their identity. Says what was read and on whose word the verdict stands.\n\n"
          "The verdict is the first word of the output: matches (every listed file matches), "
          "same-weights (files differ, or are in another container, but every number is equal), "
          "partial (what was checked matches, but something is missing or unlisted), mismatch, or "
          "inconclusive (nothing that could be compared).\n\n"
          "A SOURCE is a checksum list in any common dialect (GNU, BSD, openssl, checklist.chk, a "
          "single hash, a hub's tree listing, a git-lfs pointer), a hallmark manifest, another "
          "copy "
          "of the model, or an entry of the built-in catalogue. Without one, the catalogue and the "
          "lists found around the copy are tried. A list that came with the copy cannot vouch for "
          "it, and is named as such.",
      .operands =
          {{.name = "MODEL",
            .help = "the copy to check: a directory, an index.json with its shards, or one file"}},
      .options = Joined({{.name = "--against",
                          .kind = ValueKind::kSource,
                          .value = "SOURCE",
                          .help = "what the copy must agree with",
                          .repeatable = true},
                         {.name = "--include",
                          .kind = ValueKind::kText,
                          .value = "GLOB",
                          .help = "check only files whose path matches",
                          .repeatable = true},
                         {.name = "--weights-only",
                          .help = "configuration and tokenizer files that differ do not count"},
                         {.name = "--no-weights",
                          .help = "compare files only, read no tensors where they differ"},
                         VerboseOption("every file, digest and range in full"),
                         JsonOption(),
                         JsonLinesOption()},
                        WorkOptions()),
      .examples = {{"hallmark verify llama-2-7b/ --against checklist.chk",
                    "against the publisher's list"},
                   {"hallmark verify mirror.gguf --against official.json",
                    "a converted copy against a manifest"},
                   {"hallmark verify llama-7b/ --against catalogue:llama-1/7B",
                    "against the known checksums of a release"},
                   {"hallmark verify download/", "against whatever is known about it"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "matches, same-weights, or authentic"},
           {ExitCode::kMismatch, "mismatch: checked, and it does not hold"},
           {ExitCode::kInconclusive, "partial or inconclusive; a file is missing or unreadable"},
           {ExitCode::kMalformed, "a source breaks its own format"},
           {ExitCode::kDangerous,
            "a file that no digest vouches for could run code when it is loaded"}}),
      .run = Run,
  };
}

}  // namespace hallmark
