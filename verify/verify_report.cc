#include "verify/verify_report.h"

#include <algorithm>

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
    case FileState::kUnread:
      return "unread";
    case FileState::kNotComparable:
      return "not-comparable";
  }
  return "unread";
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
  const bool all = !resisting.empty() && std::ranges::count(resisting, false) == 0;
  return {source.name, source.dialect,     source.title, source.complete, source.inside_copy,
          all,         source.files.size()};
}

}  // namespace hallmark
