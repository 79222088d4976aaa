#include "verify/conclude.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

// Files whose weights were proven the same are in none of these.
struct Tally {
  std::uint64_t ok = 0, missing = 0, incomplete = 0, unlisted_weights = 0, unread = 0;
  std::uint64_t not_comparable = 0, differing_weights = 0, differing_side = 0, missing_weights = 0;
  std::uint64_t sampled = 0, forbidden = 0;
};

// A file counts once, however many sources say the same of it.
Tally Count(const std::vector<FileVerdict>& files) {
  Tally tally;
  std::set<std::tuple<std::string_view, FileState, bool, bool>> counted;
  for (const FileVerdict& file : files) {
    const std::string_view name = file.path.empty() ? file.listed_as : file.path;
    const FileState state = file.state == FileState::kRenamed ? FileState::kOk : file.state;
    if (!counted.emplace(name, state, file.holds_weights, file.same_weights).second) continue;
    if (file.same_weights) continue;
    switch (file.state) {
      case FileState::kOk:
      case FileState::kRenamed:
        ++tally.ok;
        break;
      case FileState::kMismatch:
      case FileState::kWrongSize:
        ++(file.holds_weights ? tally.differing_weights : tally.differing_side);
        break;
      case FileState::kMissing:
        ++tally.missing;
        tally.missing_weights += file.holds_weights;
        break;
      case FileState::kIncomplete:
        ++tally.incomplete;
        tally.missing_weights += file.holds_weights;
        break;
      case FileState::kUnlisted:
        tally.unlisted_weights += file.holds_weights;
        break;
      case FileState::kForbidden:
        ++tally.forbidden;
        break;
      case FileState::kUnread:
        ++tally.unread;
        break;
      case FileState::kNotComparable:
        ++tally.not_comparable;
        break;
      case FileState::kSampled:
        ++tally.sampled;
        break;
      case FileState::kNotSampled:
        break;
    }
  }
  return tally;
}

std::string Files(std::uint64_t count) {
  return fmt::format("{} file{}", count, count == 1 ? "" : "s");
}

std::string Listed(std::uint64_t count) {
  return fmt::format("{} listed file{}", count, count == 1 ? "" : "s");
}

// A receipt says what was made of what, not that it is what it should be.
bool IsSigned(const SourceSummary& source) {
  return source.dialect != "receipt" &&
         std::ranges::any_of(source.endorsements, [](const Endorsement& endorsement) {
           return endorsement.scheme != "signed receipt";
         });
}

// "A and B of org/model"
std::string Signers(const std::vector<SourceSummary>& sources) {
  std::string text;
  for (const SourceSummary& source : sources) {
    for (const Endorsement& endorsement : source.endorsements) {
      std::string signer = endorsement.signer;
      if (!endorsement.origin.empty()) signer += " for " + endorsement.origin;
      if (text.find(signer) != std::string::npos) continue;
      text += (text.empty() ? "" : ", ") + signer;
    }
  }
  return text;
}

// Whose word it is, and what that word is worth.
std::string WhoseWord(const std::vector<SourceSummary>& sources) {
  std::string names;
  bool inside = !sources.empty();
  bool strong = true;
  bool all_signed = !sources.empty();
  for (const SourceSummary& source : sources) {
    if (!names.empty()) names += ", ";
    names += source.name;
    inside = inside && source.inside_copy;
    strong = strong && source.resists_attackers;
    all_signed = all_signed && IsSigned(source);
  }
  std::string worth =
      all_signed ? "signed by " + Signers(sources)
      : inside   ? "the list came with the copy, so it shows a whole copy, not a genuine one"
                 : "the source is not authenticated";
  if (!strong) worth += "; its digests guard against accidents, not attackers";
  return fmt::format("{} ({})", names, worth);
}

void Set(VerifyReport& report, Verdict verdict, std::string summary, std::string hint = {}) {
  report.verdict = verdict;
  report.summary = std::move(summary);
  report.hint = std::move(hint);
}

std::string MismatchSummary(const Tally& tally, const WeightsVerdict& weights) {
  std::string summary;
  const auto add = [&](std::string part) {
    summary += (summary.empty() ? "" : "; ") + std::move(part);
  };
  if (tally.differing_weights > 0) {
    add(fmt::format("{} of weights differ{} from what is listed", Files(tally.differing_weights),
                    tally.differing_weights == 1 ? "s" : ""));
  }
  if (tally.differing_side > 0) {
    add(fmt::format("{} beside the weights differ{}", Files(tally.differing_side),
                    tally.differing_side == 1 ? "s" : ""));
  }
  if (tally.forbidden > 0) {
    add(fmt::format("{} must not be there", Files(tally.forbidden)));
  }
  if (weights.state == WeightsVerdict::State::kDifferent) {
    add(weights.differences.empty()
            ? "the weights are not the source's"
            : fmt::format(
                  "{} of {} tensors differ", weights.differences.size(),
                  std::max<std::uint64_t>(weights.tensors_compared, weights.differences.size())));
  } else if (weights.state == WeightsVerdict::State::kSame) {
    add("the weights are the same");
  }
  return summary;
}

// What was read of a sample, and what that shows: an upper bound on damage, never that there is
// none.
std::string SampleText(const SampleSummary& sample) {
  return fmt::format(
      "a sample of {} was read, {} of {} pieces and {} of {}; damage in {} or more pieces would "
      "have been found with a chance of 95 %, less damage may be there",
      sample.asked, sample.pieces, sample.all_pieces, HumanBytes(sample.bytes),
      HumanBytes(sample.all_bytes), sample.likely_found);
}

// Nothing more was asked for, and it holds.
void HoldsAsAsked(const Tally& tally, const std::string& word, VerifyReport& report) {
  std::string summary;
  if (report.part) {
    summary = fmt::format("part {} of {}: ", report.part->part.index, report.part->part.count);
  }
  if (tally.ok + tally.sampled == 0) {
    summary += "no listed file is in it";
  } else if (report.sample) {
    summary +=
        fmt::format("what was read of {} matches {}", Listed(tally.ok + tally.sampled), word);
  } else {
    summary += fmt::format("{} match{} {}", Listed(tally.ok), tally.ok == 1 ? "es" : "", word);
  }
  if (report.sample) summary += "; " + SampleText(*report.sample);
  report.holds_as_asked = true;
  Set(report, Verdict::kPartial, std::move(summary),
      report.part ? "hallmark merge-reports puts the parts' reports together" : "");
}

// Every source is signed by somebody whom the user trusts, and its digests bind its files.
bool AreFilesAuthentic(const VerifyReport& report) {
  return std::ranges::all_of(report.sources, [](const SourceSummary& source) {
    return IsSigned(source) && source.resists_attackers;
  });
}

// The same where the weights are what is equal: a statement alone lists no files.
bool AreWeightsAuthentic(const VerifyReport& report) {
  // A file that is there under its name and is not what was signed may hold another tokenizer.
  const bool differs = std::ranges::any_of(report.files, [](const FileVerdict& file) {
    return file.state == FileState::kMismatch || file.state == FileState::kWrongSize;
  });
  return !differs && AreFilesAuthentic(report);
}

void Decide(VerifyReport& report) {
  const VerifyAsked& options = report.asked;
  using Weights = WeightsVerdict::State;
  Tally tally = Count(report.files);
  if (options.weights_only) tally.differing_side = 0;
  const Weights weights = report.weights.state;
  const std::string word = WhoseWord(report.sources);

  if (report.sources.empty()) {
    return Set(report, Verdict::kInconclusive, "no source says what these files should be",
               "name one with --against: the publisher's checksum list, a manifest, another copy; "
               "hallmark identify asks the catalogue by digest and by weights");
  }
  if (tally.differing_side > 0 || tally.differing_weights > 0 || tally.forbidden > 0 ||
      weights == Weights::kDifferent) {
    return Set(report, Verdict::kMismatch, MismatchSummary(tally, report.weights));
  }
  if (tally.unread > 0) {
    return Set(report, Verdict::kInconclusive,
               fmt::format("{} could not be read to the end", Files(tally.unread)),
               "the errors above say why; nothing is known about these files");
  }
  std::string gaps;
  const auto gap = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) gaps += fmt::format("{}{} {}", gaps.empty() ? "" : ", ", Files(count), what);
  };
  if (weights == Weights::kSame) {
    gap(tally.missing_weights, "of other weights missing");
    gap(tally.unlisted_weights, "of other weights not listed");
    std::string summary =
        fmt::format("{}the weights are the same: {}, on the word of {}",
                    tally.ok == 0 ? "the files are others, " : "", report.weights.ours, word);
    if (!gaps.empty()) return Set(report, Verdict::kPartial, summary + ", but: " + gaps);
    return Set(report, AreWeightsAuthentic(report) ? Verdict::kAuthentic : Verdict::kSameWeights,
               std::move(summary));
  }
  if (report.sample && !report.part && report.sample->pieces == 0) {
    return Set(report, Verdict::kInconclusive,
               fmt::format("the sample of {} holds none of {} pieces", report.sample->asked,
                           report.sample->all_pieces),
               "ask for a larger share, or another --seed");
  }
  if (tally.ok == 0 && tally.sampled == 0 && !report.part) {
    std::string hint = report.weights.hint;
    if (hint.empty() && tally.incomplete > 0) {
      hint = "finish the download, then verify again";
    } else if (hint.empty() && !options.include.empty() && report.files.empty()) {
      hint = "no listed file matches --include";
    } else if (hint.empty() && !options.compare_weights) {
      hint = "without --no-weights the tensors would be compared too";
    } else if (hint.empty() && weights != Weights::kNotComparable) {
      hint =
          "compare with a manifest of the official files (hallmark hash --format manifest), or "
          "with another copy of them";
    }
    std::string summary = "none of the listed files is here";
    if (tally.not_comparable > 0) {
      summary = fmt::format("{} listed without a digest that can be checked",
                            tally.not_comparable == 1 ? "the file is" : "the files are");
    } else if (report.files.empty()) {
      summary = "no file that the source lists is this one";
    }
    if (weights == Weights::kNotComparable) {
      summary += fmt::format(", and the weights cannot be compared: {}", report.weights.reason);
    }
    return Set(report, Verdict::kInconclusive, std::move(summary), std::move(hint));
  }
  gap(tally.missing, "missing");
  gap(tally.incomplete, "not fully downloaded");
  gap(tally.not_comparable, "listed without a digest that can be checked");
  gap(tally.unlisted_weights, "of weights not listed");
  const bool listed_in_part = std::any_of(report.sources.begin(), report.sources.end(),
                                          [](const SourceSummary& s) { return !s.complete; });
  // Who asks for a part does not miss what is no part of it.
  if (gaps.empty() && options.include.empty() && !report.part) {
    if (listed_in_part) gaps = "the source does not list every file of the release";
    if (report.unread_folders > 0) gaps = "a folder of the copy could not be looked into";
  }
  if (!gaps.empty()) {
    std::string summary = fmt::format("{} match{} {}, but: {}", Listed(tally.ok + tally.sampled),
                                      tally.ok + tally.sampled == 1 ? "es" : "", word, gaps);
    if (report.sample) summary += "; " + SampleText(*report.sample);
    return Set(report, Verdict::kPartial, std::move(summary));
  }
  if (report.part || report.sample) return HoldsAsAsked(tally, word, report);
  Set(report, AreFilesAuthentic(report) ? Verdict::kAuthentic : Verdict::kMatches,
      fmt::format("{} match{} {}", Listed(tally.ok), tally.ok == 1 ? "es" : "", word));
}

}  // namespace

// A signature is not to vouch for bytes that nobody looked at now.
void DoubtRemembered(VerifyReport& report) {
  const auto remembered =
      static_cast<std::uint64_t>(std::ranges::count_if(report.files, &FileVerdict::remembered));
  if (report.verdict != Verdict::kAuthentic || remembered + report.remembered.files == 0) return;
  report.verdict = Verdict::kMatches;
  if (report.remembered.files > 0) return;  // said below
  report.summary += fmt::format("; {} {} read by a run that was interrupted, not now",
                                Files(remembered), remembered == 1 ? "was" : "were");
  report.hint = "the same command reads every byte the next time";
}

// What an authentic copy has beside what is signed, and what nobody asked about.
void SayWhatIsNotSigned(VerifyReport& report) {
  if (report.verdict != Verdict::kAuthentic) return;
  const auto unlisted = static_cast<std::uint64_t>(
      std::ranges::count(report.files, FileState::kUnlisted, &FileVerdict::state));
  if (report.weights.state == WeightsVerdict::State::kSame) {
    report.summary += "; of configuration and tokenizer that says nothing";
  } else if (unlisted > 0) {
    report.summary += fmt::format("; {} here {} not in what is signed", Files(unlisted),
                                  unlisted == 1 ? "is" : "are");
  }
  if (!report.asked.include.empty()) report.summary += "; of the others nothing was asked";
  if (report.asked.weights_only) {
    report.summary += "; configuration and tokenizer were not asked about";
  }
}

void Conclude(VerifyReport& report) {
  Decide(report);
  DoubtRemembered(report);
  SayWhatIsNotSigned(report);
  const RememberedTotal& remembered = report.remembered;
  if (remembered.files == 0) return;
  report.summary += fmt::format("; {} {} not read now, by digests remembered from {}{}",
                                Files(remembered.files), remembered.files == 1 ? "was" : "were",
                                remembered.files == 1 ? "" : "as early as ", remembered.oldest);
  if (report.hint.empty()) report.hint = "without --cached every byte is read";
}

}  // namespace hallmark
