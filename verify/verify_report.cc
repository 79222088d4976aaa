#include "verify/verify_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace hallmark {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAuthentic:
      return "authentic";
    case Verdict::kMatches:
      return "matches";
    case Verdict::kSameWeights:
      return "same-weights";
    case Verdict::kPartial:
      return "partial";
    case Verdict::kMismatch:
      return "mismatch";
    case Verdict::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view FileStateName(FileState state) {
  switch (state) {
    case FileState::kOk:
      return "ok";
    case FileState::kRenamed:
      return "renamed";
    case FileState::kMismatch:
      return "mismatch";
    case FileState::kWrongSize:
      return "wrong-size";
    case FileState::kMissing:
      return "missing";
    case FileState::kIncomplete:
      return "incomplete";
    case FileState::kUnlisted:
      return "unlisted";
    case FileState::kForbidden:
      return "forbidden";
    case FileState::kUnread:
      return "unread";
    case FileState::kNotComparable:
      return "not-comparable";
    case FileState::kSampled:
      return "sampled";
    case FileState::kNotSampled:
      return "not-sampled";
  }
  return "unread";
}

std::optional<FileState> FileStateByName(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(FileState::kNotSampled); ++i) {
    const auto state = static_cast<FileState>(i);
    if (FileStateName(state) == name) return state;
  }
  return std::nullopt;
}

std::string_view WeightsStateName(WeightsVerdict::State state) {
  switch (state) {
    case WeightsVerdict::State::kNotCompared:
      return "not-compared";
    case WeightsVerdict::State::kSame:
      return "same";
    case WeightsVerdict::State::kDifferent:
      return "different";
    case WeightsVerdict::State::kNotComparable:
      return "not-comparable";
  }
  return "not-compared";
}

SourceSummary Summarise(const Source& source) {
  const std::vector<bool> resisting = ResistingFiles(source);
  // Where no file is listed, it is the weight identity that is.
  const bool all =
      (!resisting.empty() || !source.weights.empty()) && std::ranges::count(resisting, false) == 0;
  return {source.name, source.dialect,      source.title,       source.complete, source.inside_copy,
          all,         source.files.size(), source.endorsements};
}

std::uint64_t CountUnreadFolders(const std::vector<Finding>& findings) {
  return static_cast<std::uint64_t>(std::ranges::count_if(findings, [](const Finding& finding) {
    return finding.code == "unreadable" || finding.code == "too-deep" ||
           finding.code == "link-to-directory";
  }));
}

void FindDisagreements(const std::vector<Source>& sources, VerifyReport& report) {
  std::map<std::pair<std::string, Algorithm>, std::pair<Digest, std::size_t>> said;
  for (const FileVerdict& file : report.files) {
    for (const DigestCheck& check : file.checks) {
      const Digest& digest = check.expected.digest;
      const auto [at, first] =
          said.try_emplace({file.listed_as, digest.GetAlgorithm()}, digest, file.source);
      // What witnesses of one source dispute, that source says itself.
      if (first || at->second.first == digest || at->second.second == file.source) continue;
      report.findings.push_back(
          {Severity::kWarning, "sources-disagree", file.listed_as,
           fmt::format("{} and {} list different {} digests for it",
                       sources[at->second.second].name, sources[file.source].name,
                       InfoOf(digest.GetAlgorithm()).name)});
    }
  }
}

}  // namespace hallmark
