#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/report/remembered.h"
#include "cli/report/text.h"
#include "cli/report/verify_report.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownOk = 5;     // files that match are named up to here
constexpr std::size_t kShownRows = 20;  // of one state, of differences, of ranges of one file
constexpr std::size_t kShownTensors = 4;

// What needs the reader most comes first.
constexpr std::array kStateOrder = {
    FileState::kMismatch, FileState::kForbidden,  FileState::kWrongSize,     FileState::kUnread,
    FileState::kMissing,  FileState::kIncomplete, FileState::kNotComparable, FileState::kRenamed,
    FileState::kUnlisted, FileState::kOk,         FileState::kSampled,       FileState::kNotSampled,
};

Tone ToneOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAuthentic:
    case Verdict::kMatches:
    case Verdict::kSameWeights:
      return Tone::kGood;
    case Verdict::kMismatch:
      return Tone::kBad;
    case Verdict::kPartial:
    case Verdict::kInconclusive:
      return Tone::kUnsure;
  }
  return Tone::kUnsure;
}

Tone ToneOf(FileState state) {
  switch (state) {
    case FileState::kOk:
    case FileState::kRenamed:
      return Tone::kGood;
    case FileState::kMismatch:
    case FileState::kWrongSize:
    case FileState::kForbidden:
      return Tone::kBad;
    case FileState::kUnlisted:
    case FileState::kSampled:
    case FileState::kNotSampled:
      return Tone::kPlain;
    default:
      return Tone::kUnsure;
  }
}

std::string More(std::size_t count, std::string_view what) {
  return fmt::format("… and {} more {}; --verbose shows them", WithCommas(count), what);
}

// How much of a cut or unfinished file is right already.
std::string IntactText(const FileVerdict& file) {
  std::uint64_t right = 0;
  for (const ByteRange& range : file.intact) right += range.size;
  return right > 0 ? fmt::format(", {} of it checked and right", HumanBytes(right)) : "";
}

// What is said of a file beside its name, if it was read.
std::string PlainRemark(const FileVerdict& file) {
  if (file.same_weights && file.state == FileState::kMismatch) {
    return HumanBytes(file.size) + ", its weights are the same";
  }
  switch (file.state) {
    case FileState::kWrongSize:
      return fmt::format("{} bytes here, {} listed{}", WithCommas(file.size),
                         file.listed_size ? WithCommas(*file.listed_size) : "other",
                         IntactText(file));
    case FileState::kMissing:
      return file.listed_size ? HumanBytes(*file.listed_size) : "";
    case FileState::kRenamed:
      return fmt::format("{}, listed as {}", HumanBytes(file.size),
                         EscapeForPeople(file.listed_as));
    case FileState::kIncomplete: {
      std::string text = fmt::format("unfinished: {}", HumanBytes(file.size));
      if (file.listed_size) text += fmt::format(" of {}", HumanBytes(*file.listed_size));
      return text + IntactText(file);
    }
    case FileState::kUnlisted:
      return HumanBytes(file.size) + (file.holds_weights ? ", holds weights" : "");
    case FileState::kUnread: {
      if (!file.error) return "";
      const std::string place =
          file.error->offset ? fmt::format("at byte {:#x}: ", *file.error->offset) : "";
      return place + EscapeForPeople(file.error->message);
    }
    case FileState::kForbidden:
      return EscapeForPeople(file.reason);
    case FileState::kSampled:
      return fmt::format("{} of {} read and right", HumanBytes(file.sampled_bytes),
                         HumanBytes(file.size));
    case FileState::kNotComparable:
      return "listed without a digest that could be compared";
    default:
      return HumanBytes(file.size);
  }
}

std::string Remark(const FileVerdict& file) {
  std::string text = PlainRemark(file);
  if (!file.remembered) return text;
  if (!text.empty()) text += ", ";
  return text + (file.remembered_from.empty()
                     ? "hashed before the interruption"
                     : "not read now, remembered from " + file.remembered_from);
}

std::string ShownHex(const Digest& digest, bool verbose) {
  return verbose ? digest.Hex() : ShortHex(digest.Hex());
}

// Which digests differ, and what lies in the damaged ranges.
void AddDetails(const FileVerdict& file, bool verbose, TextTable* table) {
  for (const DigestCheck& check : file.checks) {
    if (!check.actual || check.Matches()) continue;
    table->AddLine(
        fmt::format("{} expected {}, got {}", InfoOf(check.expected.digest.GetAlgorithm()).name,
                    ShownHex(check.expected.digest, verbose), ShownHex(*check.actual, verbose)));
  }
  const std::size_t limit = verbose ? file.damage.size() : kShownRows;
  for (std::size_t i = 0; i < std::min(limit, file.damage.size()); ++i) {
    const DamagedRange& damage = file.damage[i];
    std::string line = RangeText(damage.range);
    if (damage.differing_bytes > 0) {
      line += fmt::format(", {} differ", Count(damage.differing_bytes, "byte"));
    }
    if (!damage.tensors.empty())
      line += ":";
    else if (damage.tensors_known)
      line += ": no tensor, only bytes of the container";
    table->AddLine(line);
    const std::size_t tensors = verbose ? damage.tensors.size() : kShownTensors;
    for (std::size_t t = 0; t < std::min(tensors, damage.tensors.size()); ++t) {
      table->AddLine(EscapeForPeople(damage.tensors[t]), 2);
    }
    if (tensors < damage.tensors.size()) {
      std::string rest = More(damage.tensors.size() - tensors, "tensors");
      if (!damage.groups.empty())
        rest = fmt::format("{} (in {})", rest, FirstNames(damage.groups, 4));
      table->AddLine(rest, 2);
    }
  }
  if (limit < file.damage.size()) {
    table->AddLine(More(file.damage.size() - limit, "ranges"));
  }
}

std::string FilesText(const VerifyReport& report, bool verbose, const Style& style) {
  TextTable table(2);
  for (const FileState state : kStateOrder) {
    std::vector<const FileVerdict*> files;
    std::uint64_t bytes = 0;
    for (const FileVerdict& file : report.files) {
      if (file.state != state) continue;
      files.push_back(&file);
      bytes += file.size;
    }
    const std::string name(FileStateName(state));
    const bool folds = (state == FileState::kOk || state == FileState::kSampled ||
                        state == FileState::kNotSampled) &&
                       files.size() > kShownOk && !verbose;
    if (folds) {
      const auto remembered = static_cast<std::uint64_t>(std::ranges::count_if(
          files, [](const FileVerdict* file) { return !file->remembered_from.empty(); }));
      std::string remark = HumanBytes(bytes);
      if (remembered > 0) {
        remark +=
            fmt::format(", {} of them not read now; --verbose shows which", WithCommas(remembered));
      }
      table.Add({name, Count(files.size(), "file"), remark}, ToneOf(state));
      continue;
    }
    const std::size_t limit = verbose ? files.size() : kShownRows;
    for (std::size_t i = 0; i < std::min(limit, files.size()); ++i) {
      const FileVerdict& file = *files[i];
      std::string remark = Remark(file);
      if (report.sources.size() > 1 && state != FileState::kUnlisted &&
          file.source < report.sources.size()) {
        remark += fmt::format("{}against {}", remark.empty() ? "" : "; ",
                              EscapeForPeople(report.sources[file.source].name));
      }
      table.Add({name, EscapeForPeople(file.path.empty() ? file.listed_as : file.path), remark},
                ToneOf(state));
      AddDetails(file, verbose, &table);
    }
    if (limit < files.size()) table.AddLine(More(files.size() - limit, name));
  }
  return table.IsEmpty() ? "" : "\nfiles\n" + table.ToString(style);
}

std::string ShownIdentity(const std::string& identity, bool verbose) {
  const std::size_t colon = identity.find(':');
  if (verbose || colon == std::string::npos || identity.size() < colon + 14) return identity;
  return identity.substr(0, colon + 13) + "…";
}

std::string ValuesText(const WeightsVerdict::Difference::Values& values) {
  std::string text =
      fmt::format("{} of {} values", WithCommas(values.differing), WithCommas(values.total));
  if (std::isfinite(values.max_abs)) return text + fmt::format(", by up to {:.3g}", values.max_abs);
  return text + ", some against NaN or infinity";
}

void AddDifferences(const WeightsVerdict& weights, bool verbose, TextTable* table) {
  const std::size_t limit = verbose ? weights.differences.size() : kShownRows;
  for (std::size_t i = 0; i < std::min(limit, weights.differences.size()); ++i) {
    const WeightsVerdict::Difference& difference = weights.differences[i];
    std::string line =
        fmt::format("{}: {}", EscapeForPeople(difference.tensor), EscapeForPeople(difference.what));
    if (difference.values) line += " in " + ValuesText(*difference.values);
    table->AddLine(line);
    for (const auto& [file, range] : difference.places) {
      table->AddLine(fmt::format("{} {}", EscapeForPeople(file), RangeText(range)), 2);
    }
  }
  if (limit < weights.differences.size()) {
    table->AddLine(More(weights.differences.size() - limit, "tensors"));
  }
}

std::string WeightsText(const VerifyReport& report, bool verbose, const Style& style,
                        std::size_t width) {
  const WeightsVerdict& weights = report.weights;
  const std::string name(WeightsStateName(weights.state));
  const std::string who = weights.source.empty() ? "the source" : EscapeForPeople(weights.source);
  TextTable table(2);
  switch (weights.state) {
    case WeightsVerdict::State::kNotCompared:
      return {};
    case WeightsVerdict::State::kSame: {
      const std::string compared =
          weights.tensors_compared > 0
              ? fmt::format("all {}", Count(weights.tensors_compared, "tensor"))
              : "every tensor";
      table.Add(
          {name, compared, fmt::format("{} as {} says", ShownIdentity(weights.ours, verbose), who)},
          Tone::kGood);
      break;
    }
    case WeightsVerdict::State::kDifferent: {
      std::string what = weights.differences.empty() ? std::string("which tensors is not known")
                                                     : Count(weights.differences.size(), "tensor");
      if (!weights.differences.empty() && weights.tensors_compared > 0) {
        what = fmt::format("{} of {}", what, WithCommas(weights.tensors_compared));
      }
      table.Add({name, what}, Tone::kBad);
      if (!weights.ours.empty() && !weights.theirs.empty()) {
        table.AddLine(fmt::format("{} here, {} by {}", ShownIdentity(weights.ours, verbose),
                                  ShownIdentity(weights.theirs, verbose), who),
                      0);
      }
      AddDifferences(weights, verbose, &table);
      break;
    }
    case WeightsVerdict::State::kNotComparable:
      return "\nweights\n  " + style.Paint(Tone::kUnsure, name) + "  " +
             Wrapped(EscapeForPeople(weights.reason), width, 4, name.size() + 4);
  }
  return "\nweights\n" + table.ToString(style);
}

std::string SourcesText(const VerifyReport& report, std::size_t width) {
  std::string text;
  for (const SourceSummary& source : report.sources) {
    std::string line =
        fmt::format("{}: {}, {}", EscapeForPeople(source.name), EscapeForPeople(source.title),
                    Count(source.listed_files, "file"));
    if (!source.complete) line += ", not a complete list";
    if (!source.resists_attackers) line += "; guards against accidents, not attackers";
    if (source.inside_copy) {
      line += source.endorsements.empty() ? "; came with the copy and cannot vouch for it"
                                          : "; came with the copy";
    }
    text += "  " + Wrapped(line, width, 4, 2);
    for (const Endorsement& endorsement : source.endorsements) {
      std::string by =
          fmt::format("{} by {}", endorsement.scheme, EscapeForPeople(endorsement.signer));
      if (!endorsement.origin.empty()) by += " for " + EscapeForPeople(endorsement.origin);
      if (!endorsement.comment.empty()) by += ": " + EscapeForPeople(endorsement.comment);
      text += "    " + Wrapped(by, width, 6, 4);
    }
  }
  return text.empty() ? text : "\nagainst\n" + text;
}

std::string ProvenanceText(const std::vector<ProvenanceStep>& steps, std::size_t width) {
  std::string text;
  for (const ProvenanceStep& step : steps) {
    std::string line =
        fmt::format("{}: {}", EscapeForPeople(step.receipt), EscapeForPeople(step.relation));
    if (!step.request.empty()) line += fmt::format(" ({})", EscapeForPeople(step.request));
    if (step.endorsements.empty()) line += ", not signed by anybody trusted";
    for (const Endorsement& endorsement : step.endorsements) {
      line += ", signed by " + EscapeForPeople(endorsement.signer);
    }
    text += "  " + Wrapped(line, width, 4, 2);
  }
  return text.empty() ? text : "\nmade by\n" + text;
}

std::string ReadText(const VerifyReport& report) {
  std::string text = fmt::format("\nread: {} hashed, {}", Count(report.files_hashed, "file"),
                                 HumanBytes(report.bytes_hashed));
  if (report.sample) {
    text += fmt::format("; sample {}, drawn by the seed {}", EscapeForPeople(report.sample->asked),
                        EscapeForPeople(report.sample->seed));
  }
  if (report.merged_from > 0) {
    text += fmt::format(", by {}", Count(report.merged_from, "part"));
  }
  text += RememberedText(report.remembered);
  if (report.weights.tensors_compared > 0) {
    text += fmt::format("; {} compared", Count(report.weights.tensors_compared, "tensor"));
  }
  return text + "\n";
}

}  // namespace

std::string VerifyText(const VerifyReport& report, bool verbose, const Style& style,
                       std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  const std::string_view name = VerdictName(report.verdict);
  std::string text = style.Paint(ToneOf(report.verdict), name) + ": ";
  text += Wrapped(EscapeForPeople(report.summary), width, 2, name.size() + 2);
  const std::string files = FilesText(report, verbose, style);
  const std::string weights = WeightsText(report, verbose, style, width);
  // Where the weights are what holds, they are the news.
  text += report.verdict == Verdict::kSameWeights ? weights + files : files + weights;
  text += ProvenanceText(report.provenance, width);
  text += SourcesText(report, width);
  text += ReadText(report);
  std::vector<Finding> findings = report.findings;
  // What sources are worth was said beside them.
  if (!verbose) {
    std::erase_if(findings, [](const Finding& finding) { return finding.code == "weak-digests"; });
  }
  text += FindingsText(findings, style, width);
  if (!report.hint.empty()) text += "hint: " + Wrapped(EscapeForPeople(report.hint), width, 2, 6);
  return text;
}

std::string EarlyNote(const FileVerdict& file) {
  const std::string& name = file.path.empty() ? file.listed_as : file.path;
  if (file.state != FileState::kWrongSize || !file.listed_size) {
    return fmt::format("{}: {}", name, FileStateName(file.state));
  }
  return fmt::format("{}: {} bytes here, {} listed", name, WithCommas(file.size),
                     WithCommas(*file.listed_size));
}

}  // namespace hallmark
