#include "verify/diff/diff_report.h"

#include <algorithm>

namespace hallmark {

std::string_view DiffVerdictName(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::kEqual:
      return "equal";
    case DiffVerdict::kEqualRelated:
      return "equal-after-relations";
    case DiffVerdict::kDifferent:
      return "different";
    case DiffVerdict::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view TensorStateName(TensorState state) {
  switch (state) {
    case TensorState::kEqual:
      return "equal";
    case TensorState::kRelated:
      return "equal-after-relations";
    case TensorState::kDifferent:
      return "different";
    case TensorState::kOnlyInA:
      return "only-in-a";
    case TensorState::kOnlyInB:
      return "only-in-b";
    case TensorState::kNotCompared:
      return "not-compared";
  }
  return "not-compared";
}

std::string_view ExplanationKindName(Explanation::Kind kind) {
  switch (kind) {
    case Explanation::Kind::kDamage:
      return "damage";
    case Explanation::Kind::kTensorEdit:
      return "tensor-edit";
    case Explanation::Kind::kLowRank:
      return "low-rank";
    case Explanation::Kind::kFineTune:
      return "fine-tune";
    case Explanation::Kind::kLinearMerge:
      return "linear-merge";
    case Explanation::Kind::kNoise:
      return "noise";
    case Explanation::Kind::kPruned:
      return "pruned";
    case Explanation::Kind::kVocabulary:
      return "vocabulary";
    case Explanation::Kind::kQuantised:
      return "quantised";
    case Explanation::Kind::kWrongLayout:
      return "wrong-layout";
    case Explanation::Kind::kUnrelated:
      return "unrelated";
  }
  return "unrelated";
}

std::uint64_t DiffReport::CountOf(TensorState state) const {
  return static_cast<std::uint64_t>(std::ranges::count(tensors, state, &TensorDiff::state));
}

ValueComparison DiffReport::Total() const {
  ValueComparison total;
  for (const TensorDiff& tensor : tensors) {
    if (tensor.values) total.Append(*tensor.values);
  }
  total.max_abs_at = total.max_relative_at = 0;
  total.first_differing = total.last_differing = 0;
  return total;
}

}  // namespace hallmark
