// hallmark derive: was this model made from that one, and how?
#include "verify/derive/derive.h"

#include <fmt/format.h>

#include "cli/report/derive_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "cli/version.h"
#include "src/io/atomic_file.h"

namespace hallmark {
namespace {

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string official = arguments.Text("--from");
  if (official.empty()) {
    return Error{Errc::kUsage, "derive", "no official model is named", std::nullopt,
                 "add --from MODEL"};
  }
  const std::string output = arguments.Text("--output");
  if (!output.empty() && arguments.Given("--base")) {
    return Error{Errc::kUsage, "derive", "a derivation from a difference is not written down",
                 std::nullopt, "leave out -o, or --base"};
  }
  HM_TRY(session.CheckOutput(output, arguments.Given("--force")));
  const DeriveOptions options{.importance = arguments.Text("--imatrix"),
                              .base = arguments.Text("--base"),
                              .receipt_version = output.empty() ? "" : std::string(VersionText())};
  const DeriveReport report =
      HM_TRY(Derive(arguments.Operands()[0], official, options, session.GetTask()));
  const ExitCode exit = DeriveExit(report);
  if (report.receipt) {
    HM_TRY(WriteFileAtomically(output, WriteReceipt(*report.receipt), arguments.Given("--force")));
  } else if (!output.empty()) {
    session.Note(fmt::format("{} was not written: a receipt is of what was proven", output));
  }
  if (arguments.Given("--json")) {
    HM_TRY(session.Print(DeriveJson(report, exit)));
  } else {
    HM_TRY(session.Print(
        DeriveText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  }
  return exit;
}

}  // namespace

Verb DeriveVerb() {
  return {
      .name = "derive",
      .summary = "was this model made from that one, and how?",
      .description =
          "Replays what may have made SUSPECT of the official model: a change of container or "
          "layout, a cast, a quantiser of GGUF's block types. What gives the same bytes is proven: "
          "derived-exactly where nothing was lost, replayed where something was. A quantised "
          "tensor that no replay gives is consistent when every block can be an honest rounding of "
          "the official values; that is no proof, see docs/derive.md. Everything else is "
          "not-derived, with how far it is off.\n\n"
          "A release that was shipped as its difference to a base model (a delta to be added, or "
          "files xored with the base's) is named by --from, and the base by --base.\n\n"
          "Configuration and tokenizer are not looked at: hallmark diff compares them.",
      .operands = {{.name = "SUSPECT",
                    .help = "a directory, a tar or packed file of one, any one shard, an "
                            "index.json or a single file"}},
      .options = Joined({{.name = "--from",
                          .kind = ValueKind::kPath,
                          .value = "MODEL",
                          .help = "the official model"},
                         {.name = "--imatrix",
                          .kind = ValueKind::kPath,
                          .value = "FILE",
                          .help = "an importance matrix that the quantiser may have used"},
                         {.name = "--base",
                          .kind = ValueKind::kPath,
                          .value = "MODEL",
                          .help = "what the official release is the difference to"},
                         OutputOption("write the derivation down as a receipt, if it is proven"),
                         ForceOption(),
                         VerboseOption("every tensor that was not proven"),
                         JsonOption()},
                        WorkOptions()),
      .examples = {{"hallmark derive mirror-Q4_K_M.gguf --from llama-2-7b/",
                    "is this quantised copy of the official weights?"},
                   {"hallmark derive copy.Q4_K_M.gguf --from llama-2-7b/ --imatrix imatrix.gguf",
                    "and if it was quantised by an importance matrix?"},
                   {"hallmark derive vicuna-7b/ --from vicuna-7b-delta-v1.1/ --base llama-7b-hf/",
                    "is this the delta applied to LLaMA?"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "derived exactly, replayed, or consistent"},
           {ExitCode::kMismatch, "not derived: some tensor is nothing that could be made of it"},
           {ExitCode::kInconclusive, "not all tensors could be compared"},
           {ExitCode::kUnsupported, "the suspect's quantiser is not known here well enough"},
           {ExitCode::kDangerous, "loading one of them elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
