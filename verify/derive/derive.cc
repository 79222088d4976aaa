#include "verify/derive/derive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/checked.h"
#include "src/base/numbers.h"
#include "src/base/text.h"
#include "src/io/file.h"
#include "transform/importance_matrix.h"
#include "verify/derive/replays.h"
#include "verify/diff/align.h"
#include "verify/diff/left_out.h"
#include "verify/diff/measure.h"
#include "weights/equal_bytes.h"
#include "weights/identity.h"
#include "weights/model.h"

namespace hallmark {
namespace {

// A model, and what is told of it.
struct Side {
  const Model* model;
  CanonicalModel canonical;

  Dtype StoredType(const CanonicalTensor& tensor) const {
    const TensorPart& part = tensor.parts.front();
    return model->Files()[part.file].reader->Tensors()[part.tensor].dtype;
  }
  TensorDiff::Side Describe(const CanonicalTensor& tensor) const {
    return {tensor.name, tensor.stored_name, StoredType(tensor), tensor.shape};
  }
};

// The number of an expert in a canonical name: "….experts.3.up_proj.weight".
std::optional<std::uint64_t> ExpertOf(std::string_view name) {
  constexpr std::string_view kBefore = ".experts.";
  const std::size_t at = name.find(kBefore);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : name.substr(at + kBefore.size())) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

class DeriveWork {
 public:
  DeriveWork(Side official, Side suspect, const ImportanceMatrix& importance, const Task& task,
             DeriveReport* report)
      : official_(std::move(official)),
        suspect_(std::move(suspect)),
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
    HM_TRY(AddLeftOut());
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
      tensor.reason = "official values, but those of another tensor";
    } else if (aligned.place == AlignedTensors::Place::kUnknown) {
      tensor.reason = "official values, but whether the two names mean one place is not known here";
    } else if (aligned.bytes_a == nullptr || aligned.rows_only_a != 0 || aligned.rows_only_b != 0) {
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
    const auto expert = ExpertOf(tensor.name);
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
    }
    return {};
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
    for (std::size_t p = 0; p < pairs.size(); ++p) Judge(found[p], &report_->tensors[tensors[p]]);
    return {};
  }

  void Judge(const MeasuredPair& found, DerivedTensor* tensor) {
    if (found.error) {
      tensor->how = Derivation::kNotCompared;
      tensor->reason = found.error->message;
      report_->findings.push_back(
          {Severity::kWarning, "unreadable-tensor",
           found.error->subject.empty() ? tensor->Any().name : found.error->subject,
           found.error->message, found.error->offset});
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

  // Rotary factors are not weights, but the model computes with them.
  Result<void> AddLeftOut() {
    for (LeftOutDifference& difference : HM_TRY(CompareLeftOut(
             *official_.model, official_.canonical, *suspect_.model, suspect_.canonical, task_))) {
      DerivedTensor& tensor = report_->tensors.emplace_back();
      tensor.how = Derivation::kNotDerived;
      tensor.group = GroupKey(difference.stored_name);
      const TensorDiff::Side side{difference.stored_name, difference.stored_name, Dtype::kF32, {}};
      if (difference.a == "present") tensor.official = side;
      if (difference.b != "absent") tensor.suspect = side;
      tensor.reason =
          fmt::format("derived from the configuration: {} in the suspect", difference.b);
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

  const Side official_, suspect_;
  const ImportanceMatrix& importance_;
  const Task& task_;
  DeriveReport* const report_;
  std::vector<AlignedTensors> aligned_;
  std::vector<bool> settled_;  // of each tensor
};

DiffSide Describe(const Side& side, const std::filesystem::path& path) {
  DiffSide described;
  described.name = path.string();
  described.format = side.model->Files().front().reader->FormatDetail();
  described.architecture = side.canonical.architecture;
  described.left_out = side.canonical.left_out;
  described.tensors = side.canonical.tensors.size();
  for (const CanonicalTensor& tensor : side.canonical.tensors) {
    described.parameters += ElementCount(tensor.shape).value_or(0);
    described.bytes_read += tensor.bytes->Size();
  }
  return described;
}

std::string Tensors(std::uint64_t count) {
  return fmt::format("{} tensor{}", WithCommas(count), count == 1 ? "" : "s");
}

void Conclude(DeriveReport* report) {
  const std::uint64_t all = report->tensors.size();
  const auto count = [&](Derivation how) { return report->CountOf(how); };
  const std::uint64_t exact = count(Derivation::kExact), replayed = count(Derivation::kReplayed);
  if (const std::uint64_t not_derived = count(Derivation::kNotDerived); not_derived > 0) {
    report->verdict = Derivation::kNotDerived;
    report->summary =
        fmt::format("{} of {} {} nothing that could be made of the official values",
                    WithCommas(not_derived), Tensors(all), not_derived == 1 ? "is" : "are");
  } else if (const std::uint64_t unknown = count(Derivation::kNotCompared);
             unknown > 0 || all == 0) {
    report->verdict = Derivation::kNotCompared;
    report->summary = fmt::format("{} of {} could not be compared", unknown, Tensors(all));
  } else if (const std::uint64_t consistent = count(Derivation::kConsistent); consistent > 0) {
    report->verdict = Derivation::kConsistent;
    report->summary = fmt::format(
        "every block of {} is within what an honest rounding of the official values can give; {} "
        "exact or replayed",
        Tensors(consistent), exact + replayed);
    report->hint =
        "no quantiser known here gives these bytes; one that used an importance matrix is replayed "
        "with --imatrix";
  } else if (replayed > 0) {
    report->verdict = Derivation::kReplayed;
    report->summary = fmt::format(
        "what was done to {} was done again here and gave the same bytes{}", Tensors(replayed),
        exact == 0 ? "" : fmt::format("; {} derived exactly", Tensors(exact)));
  } else {
    report->verdict = Derivation::kExact;
    report->summary = fmt::format("the official values in all of {}", Tensors(all));
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
  const Model official_model = HM_TRY(Model::Open(official, task));
  const Model suspect_model = HM_TRY(Model::Open(suspect, task));
  HM_TRY(CheckCanBeReplayed(suspect_model, suspect));
  Side official_side{&official_model, HM_TRY(Canonicalise(official_model, task))};
  Side suspect_side{&suspect_model, HM_TRY(Canonicalise(suspect_model, task))};
  DeriveReport report;
  report.official = Describe(official_side, official);
  report.suspect = Describe(suspect_side, suspect);
  for (const Side* side : {&official_side, &suspect_side}) {
    const auto& of_model = side->model->Findings();
    const auto& of_canonical = side->canonical.findings;
    report.findings.insert(report.findings.end(), of_model.begin(), of_model.end());
    report.findings.insert(report.findings.end(), of_canonical.begin(), of_canonical.end());
  }
  HM_TRY(DeriveWork(std::move(official_side), std::move(suspect_side), importance, task, &report)
             .Run());
  Conclude(&report);
  return report;
}

}  // namespace hallmark
