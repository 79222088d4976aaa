#include "verify/diff/diff_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "src/base/checked.h"
#include "verify/diff/align.h"
#include "verify/diff/compared_model.h"
#include "verify/diff/explain/explain.h"
#include "verify/diff/left_out.h"
#include "verify/diff/measure.h"
#include "weights/identity.h"
#include "weights/scratch.h"

namespace hallmark {
namespace {

// Whether `rows` rows from row `first` hold nothing but zeros.
Result<bool> AreZero(const CanonicalTensor& tensor, std::uint64_t first, std::uint64_t rows,
                     const Task& task) {
  const std::uint64_t row_bytes = tensor.bytes->Size() / tensor.shape[0];
  if (!CanCompare(tensor.dtype)) return false;
  const DtypeInfo& info = InfoOf(tensor.dtype);
  const std::uint64_t piece = Scratch::kBytes / (info.block_bytes * 16) * info.block_bytes;
  Scratch scratch;
  const std::uint64_t end = (first + rows) * row_bytes;
  for (std::uint64_t at = first * row_bytes; at < end; at += piece) {
    HM_TRY(task.CheckStopped());
    const MutableByteSpan bytes = scratch.First(std::min(piece, end - at));
    HM_TRY(tensor.bytes->Read(at, bytes));
    ValueComparison values;
    CompareValues(tensor.dtype, bytes, tensor.dtype, bytes, &values);
    if (values.zeros_a != values.values) return false;
  }
  return true;
}

class ValueDiff {
 public:
  ValueDiff(ComparedModel a, ComparedModel b, const DiffOptions& options, const Task& task,
            DiffReport* report)
      : a_(std::move(a)), b_(std::move(b)), options_(options), task_(task), report_(report) {}

  Result<void> Run() {
    aligned_ = HM_TRY(AlignTensors(a_.canonical, b_.canonical, {}, task_));
    HM_TRY(MeasureAll());
    for (std::size_t i = 0; i < aligned_.size(); ++i) HM_TRY(Conclude(i));
    HM_TRY(AddLeftOut());
    if (options_.explain) HM_TRY(ExplainAll());
    HM_TRY(a_.model->CheckUnchanged());
    HM_TRY(b_.model->CheckUnchanged());
    return {};
  }

 private:
  // Values that can be told apart at all.
  static bool IsComparable(const AlignedTensors& aligned) {
    if (aligned.bytes_a == nullptr) return false;
    return CanMeasure(aligned.a->dtype, aligned.b->dtype) || aligned.a->dtype == aligned.b->dtype;
  }

  Result<void> MeasureAll() {
    std::vector<std::size_t> tensors;
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      if (IsComparable(aligned_[i])) tensors.push_back(i);
    }
    // Files are read front to back.
    std::ranges::stable_sort(tensors, {}, [&](std::size_t i) {
      const CanonicalTensor& tensor = *aligned_[i].a;
      const TensorInfo& info = a_.StoredInfo(tensor);
      return std::tuple(tensor.parts.front().file, info.file, info.stored.offset);
    });
    std::vector<PairToMeasure> pairs;
    std::vector<Dtype> units;
    std::uint64_t bytes = 0;
    for (const std::size_t i : tensors) {
      const AlignedTensors& aligned = aligned_[i];
      pairs.push_back({aligned.bytes_a.get(), aligned.a->dtype, aligned.bytes_b.get(),
                       aligned.b->dtype, aligned.values, aligned.random_access});
      if (options_.ulps) units.push_back(UlpUnitOf(aligned));
      bytes = CheckedAdd(bytes, aligned.bytes_a->Size()).value_or(UINT64_MAX);
      bytes = CheckedAdd(bytes, aligned.bytes_b->Size()).value_or(UINT64_MAX);
      report_->a.bytes_read += aligned.bytes_a->Size();
      report_->b.bytes_read += aligned.bytes_b->Size();
    }
    task_.Begin("comparing", bytes, 0);
    std::vector<MeasuredPair> found = HM_TRY(MeasurePairs(pairs, units, task_));
    measured_.resize(aligned_.size());
    for (std::size_t p = 0; p < tensors.size(); ++p) measured_[tensors[p]] = std::move(found[p]);
    return {};
  }

  // The type in whose steps distances are counted: the coarser of the two.
  Dtype UlpUnitOf(const AlignedTensors& aligned) const {
    const Dtype a = a_.StoredInfo(*aligned.a).dtype, b = b_.StoredInfo(*aligned.b).dtype;
    for (const Dtype coarse : {Dtype::kBf16, Dtype::kF16}) {
      if (a == coarse || b == coarse) return coarse;
    }
    return Dtype::kF32;
  }

  Result<void> Conclude(std::size_t i) {
    const AlignedTensors& aligned = aligned_[i];
    TensorDiff& tensor = report_->tensors.emplace_back();
    if (aligned.a != nullptr) tensor.a = a_.Describe(*aligned.a);
    if (aligned.b != nullptr) tensor.b = b_.Describe(*aligned.b);
    tensor.group = GroupKey(aligned.Name());
    tensor.relations = aligned.relations;
    tensor.moved = aligned.place == AlignedTensors::Place::kOther;
    if (aligned.a == nullptr || aligned.b == nullptr) {
      tensor.state = aligned.a != nullptr ? TensorState::kOnlyInA : TensorState::kOnlyInB;
      return {};
    }
    if (aligned.bytes_a == nullptr) {
      tensor.state = TensorState::kDifferent;
      tensor.reason = aligned.reason;
      return {};
    }
    const std::optional<MeasuredPair>& measured = measured_[i];
    if (!measured) {
      tensor.reason = fmt::format("values of type {} and {} can't be compared",
                                  DtypeName(aligned.a->dtype), DtypeName(aligned.b->dtype));
      return {};
    }
    HM_TRY(ConcludeMeasured(aligned, *measured, &tensor));
    if (options_.ulps && tensor.values && tensor.values->differing > 0) {
      tensor.ulps = measured->ulps;
      tensor.ulp_unit = UlpUnitOf(aligned);
    }
    return {};
  }

  Result<void> ConcludeMeasured(const AlignedTensors& aligned, const MeasuredPair& measured,
                                TensorDiff* tensor) {
    if (measured.error) {
      NotRead(*measured.error, tensor);
      return {};
    }
    for (const auto& [side, part] : {std::pair(&a_, aligned.a), std::pair(&b_, aligned.b)}) {
      const Result<void> same = CheckReplicas(*side->model, *part, task_);
      if (same) continue;
      if (same.error().code == Errc::kInterrupted) return same;
      NotRead(same.error(), tensor);
      return {};
    }
    tensor->rounding = measured.rounding;
    bool equal = measured.same_bytes;
    if (CanMeasure(aligned.a->dtype, aligned.b->dtype)) {
      tensor->values = measured.values;
      equal = measured.values.differing == 0;
    } else {
      tensor->reason = "values of this type are compared as bytes";
    }
    AddTypes(equal && !measured.same_bytes, tensor);
    if (!HM_TRY(AddRows(aligned, tensor)) || tensor->moved) equal = false;
    if (equal && aligned.place == AlignedTensors::Place::kUnknown) {
      tensor->state = TensorState::kNotCompared;
      tensor->reason = "equal, but whether the two names mean one place is not known here";
      return {};
    }
    tensor->state = !equal                      ? TensorState::kDifferent
                    : tensor->relations.empty() ? TensorState::kEqual
                                                : TensorState::kRelated;
    return {};
  }

  void NotRead(const Error& error, TensorDiff* tensor) {
    tensor->state = TensorState::kNotCompared;
    tensor->reason = error.message;
    report_->findings.push_back(UnreadableTensor(std::string(tensor->Name()), error));
  }

  static void AddTypes(bool other_bytes, TensorDiff* tensor) {
    const Dtype a = tensor->a->dtype, b = tensor->b->dtype;
    const bool blocks_a = InfoOf(a).is_block_quantised, blocks_b = InfoOf(b).is_block_quantised;
    if (a == b) {
      if (other_bytes) tensor->relations.push_back("other bytes for the same values");
    } else if (blocks_a == blocks_b) {
      tensor->relations.push_back(fmt::format(
          "{} {} to {}", blocks_a ? "requantised from" : "cast from", DtypeName(a), DtypeName(b)));
    } else {
      tensor->relations.push_back(
          blocks_b ? fmt::format("quantised from {} to {}", DtypeName(a), DtypeName(b))
                   : fmt::format("dequantised from {} to {}", DtypeName(a), DtypeName(b)));
    }
  }

  // What rows only one side has; whether they may be left out: they are all zero.
  Result<bool> AddRows(const AlignedTensors& aligned, TensorDiff* tensor) {
    const std::uint64_t rows = std::max(aligned.rows_only_a, aligned.rows_only_b);
    if (rows == 0) return true;
    const bool in_a = aligned.rows_only_a != 0;
    const CanonicalTensor& whole = in_a ? *aligned.a : *aligned.b;
    const std::uint64_t first = whole.shape[0] - rows;
    const Result<bool> zero = AreZero(whole, first, rows, task_);
    if (!zero && zero.error().code == Errc::kInterrupted) return zero;
    tensor->relations.push_back(fmt::format("rows {} to {} only in {}{}", first, whole.shape[0] - 1,
                                            in_a ? "A" : "B",
                                            zero.value_or(false) ? ", all zero" : ""));
    return zero.value_or(false);
  }

  Result<void> AddLeftOut() {
    for (const LeftOutDifference& difference : HM_TRY(CompareLeftOut(a_, b_, task_))) {
      const auto told = [](bool is_there) { return is_there ? "\"present\"" : ""; };
      const std::string_view of_b =
          difference.a && difference.b ? "\"other values\"" : told(difference.b.has_value());
      report_->fields.push_back({"derived tensors", difference.Name(),
                                 told(difference.a.has_value()), std::string(of_b), true});
    }
    return {};
  }

  Result<void> ExplainAll() {
    std::vector<DifferingTensor> tensors;
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      const TensorDiff& tensor = report_->tensors[i];
      if (tensor.state != TensorState::kDifferent || !tensor.values || tensor.moved) continue;
      const AlignedTensors& aligned = aligned_[i];
      // Of rows that only one side has there is nothing to compare.
      Shape shape = aligned.rows_only_a != 0 ? aligned.b->shape : aligned.a->shape;
      if (ValueCount(*aligned.a) > aligned.values) shape = aligned.b->shape;
      tensors.push_back({aligned.Name(), tensor.group, std::move(shape), aligned.a->dtype,
                         aligned.b->dtype, aligned.bytes_a.get(), aligned.bytes_b.get(),
                         &*tensor.values});
    }
    report_->explanations = HM_TRY(Explain(*report_, tensors, task_));
    ExplainMoved();
    return {};
  }

  void ExplainMoved() {
    const auto moved = std::ranges::count_if(report_->tensors, &TensorDiff::moved);
    if (moved == 0) return;
    const TensorDiff& first = *std::ranges::find_if(report_->tensors, &TensorDiff::moved);
    report_->explanations.push_back(
        {Explanation::Kind::kWrongLayout,
         "",
         fmt::format(
             "{} of {} tensors stand under other names; the first: what A calls {} is {} in B",
             moved, report_->tensors.size(), first.a->name, first.b->name),
         {{"tensors_moved", static_cast<double>(moved)}}});
  }

  const ComparedModel a_, b_;
  const DiffOptions& options_;
  const Task& task_;
  DiffReport* const report_;
  std::vector<AlignedTensors> aligned_;
  std::vector<std::optional<MeasuredPair>> measured_;  // of each of them; none: not comparable
};

}  // namespace

Result<void> DiffByValues(const Model& a, const Model& b, const DiffOptions& options,
                          const Task& task, DiffReport* report) {
  ComparedModel side_a = HM_TRY(ComparedModel::Of(a, task));
  ComparedModel side_b = HM_TRY(ComparedModel::Of(b, task));
  report->a = side_a.Describe(std::move(report->a.name));
  report->b = side_b.Describe(std::move(report->b.name));
  side_a.AddFindings(&report->findings);
  side_b.AddFindings(&report->findings);
  return ValueDiff(std::move(side_a), std::move(side_b), options, task, report).Run();
}

}  // namespace hallmark
