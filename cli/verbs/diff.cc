// hallmark diff: two models, layer by layer, tensor by tensor.
#include "verify/diff/diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/diff/diff_html.h"
#include "cli/report/diff/diff_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// What one thread needs: tiles of both tensors and what views put them through.
constexpr std::uint64_t kMemoryPerThread = 16 * 1024 * 1024;

Error Usage(std::string message, std::string hint) {
  return Error{Errc::kUsage, "diff", std::move(message), std::nullopt, std::move(hint)};
}

enum class ReportKind { kHtml, kMarkdown, kJson, kSarif, kJunit };

Result<ReportKind> KindOf(const std::string& path) {
  const std::string name = AsciiLower(path);
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  if (ends(".html") || ends(".htm")) return ReportKind::kHtml;
  if (ends(".md")) return ReportKind::kMarkdown;
  if (ends(".json")) return ReportKind::kJson;
  if (ends(".sarif")) return ReportKind::kSarif;
  if (ends(".xml")) return ReportKind::kJunit;
  return Usage(
      fmt::format("--report {}: its name does not say what it should be", EscapeForPeople(path)),
      "end it with .html, .md, .json, .sarif or .xml (JUnit)");
}

std::string Written(ReportKind kind, const DiffReport& report, ExitCode exit) {
  switch (kind) {
    case ReportKind::kHtml:
      return DiffHtml(report);
    case ReportKind::kMarkdown:
      return DiffMarkdown(report);
    case ReportKind::kJson:
      return DiffJson(report, exit);
    case ReportKind::kSarif:
      return DiffSarif(report);
    case ReportKind::kJunit:
      return DiffJunit(report);
  }
  return {};
}

// As many threads as the memory asked for has room for.
Result<Task> TaskWithin(const std::string& memory, Task task) {
  if (memory.empty()) return task;
  const auto bytes = ParseByteSize(memory);
  if (!bytes) {
    return Usage(fmt::format("--max-memory {} is no size", EscapeForPeople(memory)),
                 "write it as 64MiB, 1GB or a number of bytes");
  }
  if (*bytes < kMemoryPerThread) {
    return Usage(fmt::format("got --max-memory {}, limit {}", HumanBytes(*bytes),
                             HumanBytes(kMemoryPerThread)),
                 "tiles of two tensors need that much");
  }
  task.threads =
      static_cast<unsigned>(std::min<std::uint64_t>(task.threads, *bytes / kMemoryPerThread));
  return task;
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const bool force = arguments.Given("--force");
  std::vector<std::pair<std::string, ReportKind>> files;
  for (const std::string& path : arguments.Values("--report")) {
    files.emplace_back(path, HM_TRY(KindOf(path)));
    HM_TRY(session.CheckOutput(path, force));
  }
  const DiffOptions options{.ulps = arguments.Given("--ulps"),
                            .explain = arguments.Given("--explain"),
                            .weights_only = arguments.Given("--weights-only")};
  const Task task = HM_TRY(TaskWithin(arguments.Text("--max-memory"), session.GetTask()));
  const DiffReport report =
      HM_TRY(Diff(arguments.Operands()[0], arguments.Operands()[1], options, task));
  const ExitCode exit = DiffExit(report);
  for (const auto& [path, kind] : files) {
    HM_TRY(session.PrintTo(path, force, Written(kind, report, exit)));
  }
  if (arguments.Given("--json-lines")) {
    for (const TensorDiff& tensor : report.tensors) HM_TRY(session.Print(DiffJsonLine(tensor)));
    HM_TRY(session.Print(DiffJsonLinesEnd(report, exit)));
  } else if (arguments.Given("--json")) {
    HM_TRY(session.Print(DiffJson(report, exit)));
  } else {
    HM_TRY(
        session.Print(DiffText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  }
  return exit;
}

}  // namespace

Verb DiffVerb() {
  return {
      .name = "diff",
      .summary = "compare two models, layer by layer and tensor by tensor",
      .description =
          "Says which tensors differ, where and by how much, in whatever containers the two models "
          "are. Tensors are aligned by what they are called in Hugging Face's checkpoints, and by "
          "their values where names differ. What a conversion legitimately does (another element "
          "type, permuted rows of q and k, norms stored less 1, stacked or fused tensors, tied or "
          "padded embeddings) is undone, named, and is no difference as long as no value changed. "
          "Configuration, tokenizer, chat template and metadata are compared field by field.\n\n"
          "A hallmark manifest can stand for a model: tensors are then compared by digest, without "
          "values. Both models are read once; memory does not grow with their size.",
      .operands = {{.name = "A",
                    .help = "a model (a directory, a tar or packed file of one, any one shard, an "
                            "index.json or a single file) or a manifest; the one to go by"},
                   {.name = "B", .help = "the other one"}},
      .options = Joined(
          {{.name = "--explain",
            .help = "say what kind of difference it is: damage, an edit, a merged LoRA, a "
                    "fine-tune, noise …, with the numbers that speak for it"},
           {.name = "--ulps",
            .help = "count values by how many steps of their type they are apart; slower"},
           {.name = "--weights-only", .help = "leave configuration, tokenizer and metadata out"},
           {.name = "--report",
            .kind = ValueKind::kPath,
            .value = "FILE",
            .help = "also write a report, of the kind its name ends with: .html, .md, .json, "
                    ".sarif or .xml (JUnit)",
            .repeatable = true},
           {.name = "--max-memory",
            .kind = ValueKind::kText,
            .value = "SIZE",
            .help = "use fewer threads so that buffers stay within it, e.g. 64MiB"},
           ForceOption(),
           VerboseOption("every layer and every tensor that differs"),
           JsonOption(),
           JsonLinesOption()},
          WorkOptions()),
      .examples = {{"hallmark diff llama-2-7b-hf/ mirror.gguf", "is anything changed, and what?"},
                   {"hallmark diff base/ tuned/ --explain --report diff.html",
                    "what kind of change, and a page to pass on"},
                   {"hallmark diff release.manifest.json copy/", "by digests alone"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "equal, or equal once what loses nothing is undone"},
           {ExitCode::kMismatch, "they differ"},
           {ExitCode::kInconclusive, "what was compared is equal, but not all could be"},
           {ExitCode::kDangerous, "loading one of them elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
