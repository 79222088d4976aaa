#include "verify/derive/derive.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "src/base/checked.h"
#include "src/base/numbers.h"
#include "src/io/file.h"
#include "transform/importance_matrix.h"
#include "verify/derive/derivation_receipt.h"
#include "verify/derive/replays.h"
#include "verify/derive/shipped_difference.h"
#include "verify/diff/align.h"
#include "verify/diff/compared_model.h"
#include "verify/diff/left_out.h"
#include "verify/diff/measure.h"
#include "weights/equal_bytes.h"
#include "weights/identity.h"
#include "weights/model.h"

namespace hallmark {
namespace {

class DeriveWork {
 public:
  // `cut`: official tensors that have not all their rows. `derived_tensors_of` has the official
  // tensors that are no weights; null: the official model itself.
  DeriveWork(ComparedModel official, ComparedModel suspect,
             const std::set<std::string, std::less<>>& cut, const ComparedModel* derived_tensors_of,
             const ImportanceMatrix& importance, const Task& task, DeriveReport* report)
      : official_(std::move(official)),
        suspect_(std::move(suspect)),
        cut_(cut),
        derived_tensors_of_(derived_tensors_of),
        importance_(importance),
        task_(task),
        report_(report) {}

  Result<void> Run() {
    aligned_ = HM_TRY(AlignTensors(official_.canonical, suspect_.canonical,
                                   {"the official model", "the suspect"}, task_));
    for (const AlignedTensors& aligned : aligned_) Begin(aligned);
    HM_TRY(ReplayAll());
    HM_TRY(MeasureTheRest());
    HM_TRY(CheckAllReplicas());
    LeaveCutRowsOpen();
    HM_TRY(AddLeftOut());
    if (derived_tensors_of_ != nullptr) HM_TRY(derived_tensors_of_->model->CheckUnchanged());
    HM_TRY(official_.model->CheckUnchanged());
    return suspect_.model->CheckUnchanged();
  }

 private:
  // Says what is known before anything is read.
  void Begin(const AlignedTensors& aligned) {
    DerivedTensor& tensor = report_->tensors.emplace_back();
    tensor.group = GroupKey(aligned.Name());
    if (aligned.a != nullptr) tensor.official = official_.Describe(*aligned.a);
    if (aligned.b != nullptr) tensor.suspect = suspect_.Describe(*aligned.b);
    tensor.steps = aligned.relations;
    settled_.push_back(true);
    if (aligned.a == nullptr || aligned.b == nullptr) {
      tensor.how = Derivation::kNotDerived;
      tensor.reason = aligned.a == nullptr ? "not in the official model" : "missing";
    } else if (aligned.place == AlignedTensors::Place::kOther) {
      tensor.how = Derivation::kNotDerived;
      tensor.reason =
          "its values are those of another official tensor, as far as they were sampled";
    } else if (aligned.place == AlignedTensors::Place::kUnknown) {
      tensor.reason =
          "like the official tensor by a sample of values; whether the two names mean one place is "
          "not known here";
    } else if (aligned.bytes_a == nullptr || aligned.rows_only_a != 0 ||
               (aligned.rows_only_b != 0 && !cut_.contains(aligned.a->name))) {
      tensor.how = Derivation::kNotDerived;
      tensor.reason = fmt::format("shape {}, official {}", ShapeText(aligned.b->shape),
                                  ShapeText(aligned.a->shape));
    } else {
      settled_.back() = false;
    }
  }

  std::span<const float> ImportanceOf(const CanonicalTensor& tensor) const {
    const auto found = importance_.weights.find(tensor.stored_name);
    if (found == importance_.weights.end() || tensor.shape.empty()) return {};
    const std::span<const float> weights = found->second;
    const std::uint64_t row = tensor.shape.back();
    if (weights.size() == row) return weights;
    const auto expert = ExpertNumber(tensor.name);
    if (!expert || row == 0 || *expert >= weights.size() / row) return {};
    return weights.subspan(*expert * row, row);
  }

  // Tries what may have been done, the likeliest of every tensor first, in as few passes.
  Result<void> ReplayAll() {
    std::vector<std::vector<Replay>> replays(aligned_.size());
    std::size_t most = 0;
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      if (settled_[i]) continue;
      replays[i] = ReplaysOf(aligned_[i], *suspect_.model, ImportanceOf(*aligned_[i].b));
      most = std::max(most, replays[i].size());
    }
    for (std::size_t round = 0; round < most; ++round) HM_TRY(ReplayRound(replays, round));
    return {};
  }

  Result<void> ReplayRound(const std::vector<std::vector<Replay>>& replays, std::size_t round) {
    std::vector<BytesPair> pairs;
    std::vector<std::size_t> tensors;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      if (settled_[i] || round >= replays[i].size()) continue;
      const Replay& replay = replays[i][round];
      if (replay.made->Size() != replay.expected->Size()) continue;
      pairs.push_back({replay.made.get(), replay.expected.get(), aligned_[i].random_access});
      tensors.push_back(i);
      bytes = CheckedAdd(bytes, replay.expected->Size()).value_or(UINT64_MAX);
    }
    task_.Begin(round == 0 ? "replaying" : "replaying in another way", bytes, 0);
    Result<std::vector<bool>> equal = FindEqual(pairs, task_);
    if (!equal && equal.error().code == Errc::kInterrupted) return equal.error();
    if (!equal) equal = HM_TRY(FindEqualOneByOne(pairs));
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      if (!(*equal)[p]) continue;
      const Replay& replay = replays[tensors[p]][round];
      DerivedTensor& tensor = report_->tensors[tensors[p]];
      const bool lost = replay.lossy || (replay.loss && replay.loss->Total().changed != 0);
      tensor.how = lost ? Derivation::kReplayed : Derivation::kExact;
      if (!replay.step.empty()) tensor.steps.push_back(replay.step);
      settled_[tensors[p]] = true;
      CountRead(aligned_[tensors[p]]);
    }
    return {};
  }

  // What the verdict rests on; replays that failed read some of it too.
  void CountRead(const AlignedTensors& aligned) {
    report_->official.bytes_read += aligned.bytes_a->Size();
    report_->suspect.bytes_read += aligned.bytes_b->Size();
  }

  // Where one of them can't be read: that is told when it is measured.
  Result<std::vector<bool>> FindEqualOneByOne(std::span<const BytesPair> pairs) const {
    std::vector<bool> equal;
    for (const BytesPair& pair : pairs) {
      const Result<std::vector<bool>> one = FindEqual({&pair, 1}, task_);
      if (!one && one.error().code == Errc::kInterrupted) return one.error();
      equal.push_back(one && one->front());
    }
    return equal;
  }

  // What no replay gave: could it be an honest rounding?
  Result<void> MeasureTheRest() {
    std::vector<PairToMeasure> pairs;
    std::vector<std::size_t> tensors;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      if (settled_[i]) continue;
      const AlignedTensors& aligned = aligned_[i];
      if (!CanMeasure(aligned.a->dtype, aligned.b->dtype)) {
        report_->tensors[i].reason =
            fmt::format("values of type {} can't be compared with {}", DtypeName(aligned.b->dtype),
                        DtypeName(aligned.a->dtype));
        if (aligned.a->dtype == aligned.b->dtype) report_->tensors[i].how = Derivation::kNotDerived;
        continue;
      }
      pairs.push_back({aligned.bytes_a.get(), aligned.a->dtype, aligned.bytes_b.get(),
                       aligned.b->dtype, aligned.values, aligned.random_access});
      tensors.push_back(i);
      bytes = CheckedAdd(bytes, aligned.bytes_a->Size()).value_or(UINT64_MAX);
      bytes = CheckedAdd(bytes, aligned.bytes_b->Size()).value_or(UINT64_MAX);
    }
    if (pairs.empty()) return {};
    task_.Begin("comparing what differs", bytes, 0);
    std::vector<MeasuredPair> found = HM_TRY(MeasurePairs(pairs, {}, task_));
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      Judge(found[p], &report_->tensors[tensors[p]]);
      CountRead(aligned_[tensors[p]]);
    }
    return {};
  }

  void Judge(const MeasuredPair& found, DerivedTensor* tensor) {
    if (found.error) {
      tensor->how = Derivation::kNotCompared;
      tensor->reason = found.error->message;
      report_->findings.push_back(UnreadableTensor(tensor->Any().name, *found.error));
      return;
    }
    tensor->values = found.values;
    tensor->rounding = found.rounding;
    const bool rounded = found.rounding && InfoOf(tensor->suspect->dtype).is_block_quantised;
    if (found.values.differing == 0) {
      tensor->how = Derivation::kExact;
    } else if (rounded && found.rounding->within == found.rounding->blocks &&
               found.values.RelativeNorm() <= LargestHonestNorm(found.rounding->type)) {
      tensor->how = Derivation::kConsistent;
      tensor->steps.push_back(fmt::format("quantised to {} by a quantiser that is not known here",
                                          DtypeName(found.rounding->type)));
    } else {
      tensor->how = Derivation::kNotDerived;
      tensor->reason = rounded ? "no rounding of the official values" : "other values";
    }
  }

  // What the suspect has beyond the rows that are known.
  void LeaveCutRowsOpen() {
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      const AlignedTensors& aligned = aligned_[i];
      DerivedTensor& tensor = report_->tensors[i];
      if (aligned.rows_only_b == 0 || tensor.how == Derivation::kNotDerived) continue;
      tensor.reason = fmt::format(
          "{} in all rows that the base has; it lacks {}, which whoever applied the release made "
          "up",
          DerivationName(tensor.how), Count(aligned.rows_only_b, "row"));
      tensor.how = Derivation::kNotCompared;
    }
  }

  // Rotary factors are not weights, but the model computes with them.
  Result<void> AddLeftOut() {
    for (LeftOutDifference& difference : HM_TRY(CompareLeftOut(
             derived_tensors_of_ != nullptr ? *derived_tensors_of_ : official_, suspect_, task_))) {
      DerivedTensor& tensor = report_->tensors.emplace_back();
      tensor.how = Derivation::kNotDerived;
      tensor.group = GroupKey(difference.Name());
      tensor.official = std::move(difference.a);
      tensor.suspect = std::move(difference.b);
      tensor.reason = "derived from the configuration, and not the same in both";
    }
    return {};
  }

  Result<void> CheckAllReplicas() {
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      const AlignedTensors& aligned = aligned_[i];
      for (const auto& [side, part] :
           {std::pair(&official_, aligned.a), std::pair(&suspect_, aligned.b)}) {
        if (part == nullptr) continue;
        const Result<void> same = CheckReplicas(*side->model, *part, task_);
        if (same) continue;
        if (same.error().code == Errc::kInterrupted) return same;
        report_->tensors[i].how = Derivation::kNotCompared;
        report_->tensors[i].reason = same.error().message;
      }
    }
    return {};
  }

  const ComparedModel official_, suspect_;
  const std::set<std::string, std::less<>>& cut_;
  const ComparedModel* const derived_tensors_of_;  // null: official_
  const ImportanceMatrix& importance_;
  const Task& task_;
  DeriveReport* const report_;
  std::vector<AlignedTensors> aligned_;
  std::vector<bool> settled_;  // of each tensor
};

void Conclude(DeriveReport* report) {
  const std::uint64_t all = report->tensors.size();
  const auto count = [&](Derivation how) { return report->CountOf(how); };
  const std::uint64_t exact = count(Derivation::kExact), replayed = count(Derivation::kReplayed);
  if (const std::uint64_t not_derived = count(Derivation::kNotDerived); not_derived > 0) {
    report->verdict = Derivation::kNotDerived;
    report->summary =
        fmt::format("{} of {} {} nothing that could be made of the official values",
                    WithCommas(not_derived), Count(all, "tensor"), not_derived == 1 ? "is" : "are");
  } else if (const std::uint64_t unknown = count(Derivation::kNotCompared);
             unknown > 0 || all == 0) {
    report->verdict = Derivation::kNotCompared;
    report->summary = fmt::format("{} of {} could not be compared", unknown, Count(all, "tensor"));
  } else if (const std::uint64_t consistent = count(Derivation::kConsistent); consistent > 0) {
    report->verdict = Derivation::kConsistent;
    report->summary = fmt::format(
        "every block of {} is within what an honest rounding of the official values can give; {} "
        "exact or replayed",
        Count(consistent, "tensor"), exact + replayed);
    report->hint =
        "no quantiser known here gives these bytes; one that used an importance matrix is replayed "
        "with --imatrix";
  } else if (replayed > 0) {
    report->verdict = Derivation::kReplayed;
    report->summary =
        fmt::format("what was done to {} was done again here and gave the same bytes{}",
                    Count(replayed, "tensor"),
                    exact == 0 ? "" : fmt::format("; {} derived exactly", Count(exact, "tensor")));
  } else {
    report->verdict = Derivation::kExact;
    report->summary = fmt::format("the official values in all of {}", Count(all, "tensor"));
  }
}

// Tensors that a quantiser packed in its own way are named otherwise than what they were made of.
Result<void> CheckCanBeReplayed(const Model& suspect, const std::filesystem::path& path) {
  for (const Finding& finding : suspect.Findings()) {
    if (finding.code != kQuantisedFinding || suspect.Quantisation().empty()) continue;
    return Error{Errc::kUnsupported, path.string(), finding.message, std::nullopt,
                 "casts and the block types of GGUF can be replayed"};
  }
  return {};
}

Result<DeriveReport> DeriveFrom(ComparedModel official,
                                const std::set<std::string, std::less<>>& cut,
                                const ComparedModel* derived_tensors_of, std::string official_name,
                                const Model& suspect_model, const std::filesystem::path& suspect,
                                const ImportanceMatrix& importance, const Task& task) {
  ComparedModel suspect_side = HM_TRY(ComparedModel::Of(suspect_model, task));
  DeriveReport report;
  report.official = official.Describe(std::move(official_name));
  report.suspect = suspect_side.Describe(suspect.string());
  official.AddFindings(&report.findings);
  suspect_side.AddFindings(&report.findings);
  HM_TRY(DeriveWork(std::move(official), std::move(suspect_side), cut, derived_tensors_of,
                    importance, task, &report)
             .Run());
  Conclude(&report);
  return report;
}

}  // namespace

std::string_view DerivationName(Derivation how) {
  switch (how) {
    case Derivation::kExact:
      return "derived-exactly";
    case Derivation::kReplayed:
      return "replayed";
    case Derivation::kConsistent:
      return "consistent";
    case Derivation::kNotDerived:
      return "not-derived";
    case Derivation::kNotCompared:
      return "inconclusive";
  }
  return {};
}

std::uint64_t DeriveReport::CountOf(Derivation how) const {
  return static_cast<std::uint64_t>(std::ranges::count(tensors, how, &DerivedTensor::how));
}

Result<DeriveReport> Derive(const std::filesystem::path& suspect,
                            const std::filesystem::path& official, const DeriveOptions& options,
                            const Task& task) {
  ImportanceMatrix importance;
  if (!options.importance.empty()) {
    const auto file = HM_TRY(OpenFile(options.importance));
    importance = HM_TRY(ReadImportanceMatrix(*file));
  }
  const Model suspect_model = HM_TRY(Model::Open(suspect, task));
  HM_TRY(CheckCanBeReplayed(suspect_model, suspect));
  if (options.base.empty()) {
    const Model official_model = HM_TRY(Model::Open(official, task));
    ComparedModel side = HM_TRY(ComparedModel::Of(official_model, task));
    std::optional<Receipt> receipt;
    if (!options.receipt_version.empty()) {
      receipt =
          HM_TRY(BeginDerivationReceipt(suspect_model, suspect, official_model, official, task));
    }
    DeriveReport report = HM_TRY(DeriveFrom(std::move(side), {}, nullptr, official.string(),
                                            suspect_model, suspect, importance, task));
    if (receipt &&
        (report.verdict == Derivation::kExact || report.verdict == Derivation::kReplayed)) {
      FinishDerivationReceipt(report, suspect_model, options.receipt_version, &*receipt);
      report.receipt = std::move(receipt);
    }
    return report;
  }
  std::optional<DeriveReport> best;
  for (const SumType sum : {SumType::kF32, SumType::kStored}) {
    AppliedRelease applied = HM_TRY(ApplyRelease(official, options.base, sum, task));
    const std::string name = fmt::format("{}, {}", official.string(), applied.how);
    const ComparedModel* const derived = applied.base_side ? &*applied.base_side : nullptr;
    DeriveReport report = HM_TRY(DeriveFrom(std::move(applied.side), applied.cut, derived, name,
                                            suspect_model, suspect, importance, task));
    const auto unproven = [](const DeriveReport& of) {
      return std::pair(of.CountOf(Derivation::kNotDerived), of.CountOf(Derivation::kConsistent));
    };
    if (!best || unproven(report) < unproven(*best)) best = std::move(report);
    // Another order of roundings could only help where something was added.
    if (applied.base == nullptr || unproven(*best) == std::pair<std::uint64_t, std::uint64_t>()) {
      break;
    }
  }
  return *std::move(best);
}

}  // namespace hallmark
