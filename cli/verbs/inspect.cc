// hallmark inspect: what is in this file or directory? Headers only.
#include <algorithm>
#include <set>

#include "cli/report/inspect_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/checked.h"
#include "src/json/json_writer.h"
#include "weights/canonical.h"

namespace hallmark {
namespace {

// Adds up what files claim; false where no file could be so large.
bool AddTo(std::uint64_t& sum, std::uint64_t value) {
  const auto total = CheckedAdd(sum, value);
  if (!total || *total >= kJsonIntegerLimit) return false;
  sum = *total;
  return true;
}

Result<void> CountTensors(InspectReport* report) {
  std::vector<const TensorInfo*> tensors;
  for (const WeightFile& file : report->model->Files()) {
    for (const TensorInfo& tensor : file.reader->Tensors()) {
      tensors.push_back(&tensor);
      auto found = std::find_if(report->dtypes.begin(), report->dtypes.end(),
                                [&](const auto& count) { return count.dtype == tensor.dtype; });
      if (found == report->dtypes.end()) {
        found = report->dtypes.insert(found, {.dtype = tensor.dtype});
      }
      ++found->tensors;
      found->bytes += tensor.payload_bytes;
      if (!AddTo(report->stored_bytes, tensor.payload_bytes) ||
          !AddTo(found->elements, ElementCount(tensor.shape).value_or(0))) {
        return Error{Errc::kMalformed, file.path,
                     "its tensors claim 2^53 elements or bytes, or more, together"};
      }
    }
  }
  report->tensors = tensors.size();
  std::stable_sort(report->dtypes.begin(), report->dtypes.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  report->patterns = FoldTensors(tensors);
  return {};
}

// Parameters are counted in canonical tensors: shards joined, replicas once, buffers left out.
Result<void> CountParameters(const Task& task, InspectReport* report) {
  const Result<CanonicalModel> canonical = Canonicalise(*report->model, task);
  report->architecture = report->model->Config().architecture;
  if (!canonical) {
    if (canonical.error().code == Errc::kInterrupted) return canonical.error();
    report->no_identity = canonical.error().message;
    if (!canonical.error().subject.empty()) {
      report->no_identity = canonical.error().subject + ": " + report->no_identity;
    }
    return {};
  }
  if (!canonical->architecture.empty()) report->architecture = canonical->architecture;
  std::uint64_t parameters = 0;
  for (const CanonicalTensor& tensor : canonical->tensors) {
    if (!AddTo(parameters, ElementCount(tensor.shape).value_or(0))) {
      report->no_identity = "its tensors claim 2^53 elements or more together";
      return {};
    }
  }
  report->parameters = parameters;
  report->findings.insert(report->findings.end(), canonical->findings.begin(),
                          canonical->findings.end());
  return {};
}

Result<void> ListSideFiles(const std::filesystem::path& path, InspectReport* report) {
  const Model& model = *report->model;
  const bool is_tar = model.Home()->NameOf("") == path.string();
  if (!is_tar && !std::filesystem::is_directory(path)) return {};
  const DirectoryListing listing = HM_TRY(model.Home()->List());
  std::set<std::string> own = {model.Set().index};
  for (const WeightFile& file : model.Files()) {
    for (std::size_t i = 0; i <= file.reader->Companions().size(); ++i) {
      own.insert(model.PathOf(file, i));
    }
  }
  for (const DirectoryEntry& entry : listing.files) {
    if (own.count(entry.path) == 0) report->side_files.push_back(entry);
  }
  return {};
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::filesystem::path path = arguments.Operands()[0];
  const Model model = HM_TRY(Model::Open(path, session.GetTask()));
  InspectReport report{.model = &model};
  report.findings = model.Findings();
  HM_TRY(CountTensors(&report));
  HM_TRY(CountParameters(session.GetTask(), &report));
  HM_TRY(ListSideFiles(path, &report));
  HM_TRY(model.CheckUnchanged());
  for (const Finding& finding : report.findings) {
    if (finding.severity == Severity::kDanger) report.exit = ExitCode::kDangerous;
  }

  const InspectOptions options{.all_tensors = arguments.Given("--tensors"),
                               .verbose = session.IsVerbose()};
  if (arguments.Given("--json-lines")) {
    HM_TRY(session.Print(InspectJsonLines(report)));
  } else if (arguments.Given("--json")) {
    HM_TRY(session.Print(InspectJson(report, options)));
  } else {
    HM_TRY(session.Print(InspectText(report, options, session.GetStyle(), session.Width())));
  }
  return report.exit;
}

}  // namespace

Verb InspectVerb() {
  return {
      .name = "inspect",
      .summary = "show what a model file or directory holds",
      .description =
          "Reads headers only, so that a model of any size takes a moment: container, "
          "architecture, "
          "tensors, element types, metadata, files beside them, and what is odd about them. The "
          "container is told by content, never by suffix. Nothing in the file is executed.",
      .operands = {{.name = "MODEL",
                    .help = "a directory, a tar or packed file of one, any one shard, an "
                            "index.json or a single file"}},
      .options = Joined({{.name = "--tensors",
                          .help = "list every tensor with its place, instead of folded patterns"},
                         VerboseOption("show long metadata in full, and all files beside"),
                         JsonOption(),
                         JsonLinesOption()},
                        WorkOptions()),
      .examples = {{"hallmark inspect llama-2-7b/", "a directory of shards"},
                   {"hallmark inspect model.gguf --tensors", "where each tensor lies"},
                   {"hallmark inspect model.safetensors --json", "for scripts"}},
      .exits = WithCommonExits({{ExitCode::kOk, "the headers are sound"},
                                {ExitCode::kDangerous, "loading it elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
