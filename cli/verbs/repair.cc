// hallmark repair: mends a damaged copy from whatever still has the right bytes.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "cli/report/repair_report.h"
#include "cli/report/verify_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "src/io/partial_output.h"
#include "verify/repair/mend.h"
#include "verify/repair/plan_repair.h"

namespace hallmark {
namespace {

Result<std::shared_ptr<const Recipe>> RecipeAskedFor(const Arguments& arguments) {
  const std::string path = arguments.Text("--recipe");
  if (path.empty()) return nullptr;
  return std::make_shared<const Recipe>(HM_TRY(ReadRecipe(path)));
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string& copy = arguments.Operands()[0];
  const std::string output = arguments.Text("--output");
  const bool in_place = arguments.Given("--in-place");
  if (!arguments.Given("--against")) {
    return Error{Errc::kUsage, "repair", "nothing says what the copy should be", std::nullopt,
                 "name a list, a manifest, a torrent or a good copy with --against"};
  }
  if (in_place && !output.empty()) {
    return Error{Errc::kUsage, "repair", "--in-place and -o exclude each other"};
  }
  if (!output.empty()) {
    std::error_code ignored;
    HM_TRY(CheckOutputTarget(output,
                             std::filesystem::is_directory(copy, ignored)
                                 ? PartialOutput::Target::kFolder
                                 : PartialOutput::Target::kFile,
                             arguments.Given("--force")));
  }
  RepairReport report;
  if (HM_TRY(HasInterruptedMend(copy)) && !arguments.Given("--discard")) {
    if (in_place) {
      HM_TRY(FinishInterruptedMend(copy, session.GetTask()));
      report.went_on = true;
    } else {
      session.Note("a repair of this copy was cut short; --in-place completes it first");
    }
  }
  RepairRequest request;
  request.copy = copy;
  request.recipe = HM_TRY(RecipeAskedFor(arguments));
  for (const std::string& spec : arguments.Values("--against")) {
    request.sources.push_back(HM_TRY(OpenSource(spec, session.GetTask())));
  }
  for (const std::string& donor : arguments.Values("--from")) request.donors.emplace_back(donor);
  request.on_early = [&](const FileVerdict& file) { session.Note(EarlyNote(file)); };
  report.plan = HM_TRY(PlanRepair(std::move(request), session.GetTask()));
  const bool has_work = !report.plan.files.empty();
  if (in_place) {
    MendReport mended = HM_TRY(MendInPlace(
        report.plan, {.copy = copy, .discard = arguments.Given("--discard")}, session.GetTask()));
    if (has_work) report.mended = std::move(mended);
  } else if (!output.empty() && report.Verdict() != "inconclusive" && report.plan.CanBeWhole()) {
    report.mended = HM_TRY(WriteMendedCopy(report.plan,
                                           {.copy = copy,
                                            .target = output,
                                            .force = arguments.Given("--force"),
                                            .discard = arguments.Given("--discard")},
                                           session.GetTask()));
    report.output = output;
  }
  HM_TRY(session.Print(
      arguments.Given("--json")
          ? RepairJson(report)
          : RepairText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  return report.Exit();
}

}  // namespace

Verb RepairVerb() {
  return {
      .name = "repair",
      .summary = "mend a damaged copy from whatever still has the right bytes",
      .description =
          "Checks the copy against its source, and looks for the right bytes of every piece that "
          "is damaged, cut off or missing: in other copies, which may be damaged themselves, and "
          "in the tensors of copies in other containers, precisions or shardings. What is taken "
          "has the digest that the source lists, whoever gave it; where no donor has all of a "
          "piece, mixtures are tried.\n\n"
          "Without --in-place or -o nothing is written: the plan says which bytes would come from "
          "where. In place, every change is written down beside the copy first "
          "(MODEL.hallmark-partial), proven and flushed to the disk, so that a crash or a power "
          "cut leaves either the old state or one that the same command completes, without the "
          "donors. What cannot be mended stays as it is.\n\n"
          "The finer the source, the more can be mended: a hallmark manifest has a digest of every "
          "4 MiB, a torrent of every piece, a checksum list only of whole files.",
      .operands = {{.name = "MODEL", .help = "the damaged copy: a directory or one file"}},
      .options = Joined(
          {{.name = "--against",
            .kind = ValueKind::kSource,
            .value = "SOURCE",
            .help = "what the copy should be; another copy named here is a donor too",
            .repeatable = true},
           {.name = "--from",
            .kind = ValueKind::kPath,
            .value = "DONOR",
            .help = "a copy that may have the right bytes, in any container, whole or not; asked "
                    "in this order",
            .repeatable = true},
           {.name = "--recipe",
            .kind = ValueKind::kPath,
            .value = "FILE",
            .help = "how the official files are laid out around their tensors, so that headers "
                    "and missing files can be made of a donor in another container"},
           {.name = "--in-place", .help = "mend the copy itself"},
           {.name = "--output",
            .letter = 'o',
            .kind = ValueKind::kPath,
            .value = "OUT",
            .help = "write a mended copy; nothing is written unless it becomes whole"},
           {.name = "--discard", .help = "throw away what an interrupted run left, and begin anew"},
           {.name = "--force", .help = "write into an output that exists, over its files"},
           VerboseOption("every stretch and tensor"),
           JsonOption()},
          WorkOptions()),
      .examples = {{"hallmark repair llama-2-7b/ --against llama-2-7b.json --from backup/",
                    "what would it take?"},
                   {"hallmark repair llama-2-7b/ --against llama-2-7b.json --from backup/ "
                    "--in-place",
                    "take it"},
                   {"hallmark repair llama-2-7b/ --against checklist.chk --from a/ --from b/ -o "
                    "whole/",
                    "three damaged copies and the publisher's list make a whole one"},
                   {"hallmark repair model/ --against model.torrent --from model-f16.gguf "
                    "--in-place",
                    "damaged shards from a converted copy"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "intact, or repaired: all that is listed is as listed now"},
           {ExitCode::kMismatch, "repairable: damaged, and all of it could be mended"},
           {ExitCode::kInconclusive,
            "partly-repairable, partly-repaired or beyond-repair: some bytes nobody has; "
            "inconclusive: no file of the copy is listed; a file or donor cannot be read"}}),
      .run = Run,
  };
}

}  // namespace hallmark
