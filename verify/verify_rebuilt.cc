#include "verify/verify_rebuilt.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "src/model/architecture.h"
#include "transform/rebuild.h"
#include "weights/equal_bytes.h"

namespace hallmark {
namespace {

// Whether the copy's output embedding only repeats its input embedding.
Result<bool> IsTied(const CanonicalModel& copy, const Task& task) {
  const CanonicalTensor* const output = FindTensor(copy, kOutputEmbedding);
  const CanonicalTensor* const input = FindTensor(copy, kInputEmbedding);
  if (output == nullptr || input == nullptr || output->dtype != input->dtype ||
      output->shape != input->shape) {
    return false;
  }
  const BytesPair pair{output->bytes.get(), input->bytes.get(),
                       output->random_access && input->random_access};
  return HM_TRY(FindEqual({&pair, 1}, task)).front();
}

}  // namespace

Result<VerifyReport> VerifyRebuilt(const std::filesystem::path& copy, const Recipe& recipe,
                                   std::vector<Source> sources, VerifyOptions options,
                                   const Task& task) {
  HM_CHECK(!options.part && !options.sample && options.cache == nullptr);
  if (sources.empty()) {
    return Error{Errc::kUsage, copy.string(),
                 "what a recipe makes is checked against a named source", std::nullopt,
                 "name it with --against"};
  }
  for (const Source& asked : sources) {
    if (asked.pieces.empty() && asked.tensors.empty()) continue;
    return Error{Errc::kUnsupported, asked.name, "it lists no digests of whole files", std::nullopt,
                 "what a recipe makes is checked by digests of files"};
  }
  const RebuildSource source = HM_TRY(RebuildSource::Open(copy, task));
  auto folder = HM_TRY(FolderOfRebuilt(recipe, source.Canonical(), copy.string()));
  options.compare_weights = false;
  VerifyReport report = HM_TRY(
      Verify(HM_TRY(Copy::InFolder(copy, std::move(folder))), std::move(sources), options, task));
  std::set<std::string> matching;
  for (const FileVerdict& file : report.files) {
    if (file.state == FileState::kOk || file.state == FileState::kRenamed) {
      matching.insert(file.path);
    }
  }
  std::vector<std::string> unknown = TensorsNotIn(recipe, source.Canonical(), matching);
  const auto output = std::ranges::find(unknown, kOutputEmbedding);
  if (output != unknown.end() && HM_TRY(IsTied(source.Canonical(), task))) unknown.erase(output);
  report.summary = "rebuilt by the recipe: " + report.summary;
  report.findings.push_back(
      {Severity::kNote, "rebuilt-files", copy.string(),
       fmt::format("the files were rebuilt from it by a recipe that holds {} literal bytes",
                   recipe.literals.size())});
  HM_TRY(source.GetModel().CheckUnchanged());
  if (unknown.empty() || matching.empty()) return report;
  report.findings.push_back(
      {Severity::kWarning, "tensors-not-proven", unknown.front(),
       fmt::format("{} of {} tensors of the copy are in none of the files that match: of these "
                   "nothing is known",
                   unknown.size(), source.Canonical().tensors.size())});
  if (report.verdict == Verdict::kAuthentic || report.verdict == Verdict::kMatches ||
      report.verdict == Verdict::kPartial) {
    // Where a part was asked for, the rest is not expected to be known.
    const bool held = report.verdict != Verdict::kPartial || report.holds_as_asked;
    report.holds_as_asked = held && !options.include.empty();
    report.verdict = Verdict::kPartial;
    report.summary += fmt::format("; {} of the copy's tensors are in none of them", unknown.size());
  }
  return report;
}

}  // namespace hallmark
