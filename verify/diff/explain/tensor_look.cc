#include "verify/diff/explain/tensor_look.h"

#include <algorithm>
#include <cmath>

namespace hallmark {
namespace {

constexpr std::uint64_t kLeastSide = 16;  // of a matrix
constexpr std::size_t kMostForDamage = 64;

bool IsMatrix(const DifferingTensor& tensor) {
  const MatrixShape shape = AsMatrix(tensor.shape);
  return shape.rows >= kLeastSide && shape.columns >= kLeastSide;
}

// b - a; 0 where that leaves f32.
std::vector<float> DifferenceOf(const ValueSample& sample) {
  std::vector<float> out(sample.a.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float d = sample.b[i] - sample.a[i];
    out[i] = std::isfinite(d) ? d : 0;
  }
  return out;
}

// By counts alone: something that weights do not do.
bool LooksDamaged(const DifferingTensor& tensor) {
  const ValueComparison& values = *tensor.values;
  if (!MayBeDamaged(tensor)) return false;
  const std::uint64_t span = values.last_differing - values.first_differing + 1;
  const double pairs = static_cast<double>(values.FinitePairs());
  const double rms = pairs > 0 ? std::sqrt(values.squares_a / pairs) : 0;
  return values.nan_b > values.nan_a || values.infinite_b > values.infinite_a ||
         span <= values.values / 4 || values.max_abs > 256 * rms ||
         (values.zeros_b > values.zeros_a && values.zeros_b >= span);
}

// `count` of them, evenly spread.
std::vector<std::size_t> Spread(const std::vector<std::size_t>& from, std::size_t count) {
  if (from.size() <= count) return from;
  std::vector<std::size_t> out;
  // The middle of each of `count` equal parts.
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(from[(2 * i + 1) * from.size() / (2 * count)]);
  }
  return out;
}

}  // namespace

std::string KindOfName(std::string_view name) {
  std::string kind;
  bool in_number = false;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) {
      kind += c;
    } else if (!in_number && (kind.empty() || kind.back() == '.')) {
      kind += '*';
    } else if (!in_number || kind.back() != '*') {
      kind += c;
    }
    in_number = digit;
  }
  return kind;
}

Choice ChooseTensors(std::span<const DifferingTensor> tensors, std::size_t matrices,
                     std::size_t vectors) {
  std::vector<std::pair<std::string, std::size_t>> by_kind;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (AsMatrix(tensors[i].shape).Values() == 0 || tensors[i].values->differing == 0) continue;
    by_kind.emplace_back(KindOfName(tensors[i].name), i);
  }
  std::ranges::sort(by_kind);
  std::vector<std::size_t> of_matrices, of_others;
  for (const auto& [kind, index] : by_kind) {
    (IsMatrix(tensors[index]) ? of_matrices : of_others).push_back(index);
  }
  Choice choice;
  choice.whole = Spread(of_matrices, matrices);
  std::ranges::copy(Spread(of_others, vectors), std::back_inserter(choice.whole));
  std::ranges::sort(choice.whole);
  for (std::size_t i = 0; i < tensors.size() && choice.for_damage.size() < kMostForDamage; ++i) {
    if (LooksDamaged(tensors[i]) && !std::ranges::binary_search(choice.whole, i)) {
      choice.for_damage.push_back(i);
    }
  }
  return choice;
}

Result<TensorLook> LookAt(const DifferingTensor& tensor, std::uint64_t hidden, bool only_damage,
                          const Task& task) {
  TensorLook look;
  look.tensor = &tensor;
  look.is_matrix = IsMatrix(tensor);
  if (LooksDamaged(tensor)) look.damage = HM_TRY(FindDamage(tensor, task));
  if (look.damage || only_damage) return look;
  look.pruned = PrunedValues(*tensor.values);
  if (!look.pruned) look.layout = HM_TRY(FindWrongLayout(tensor, hidden, task));
  if (look.layout || !CanReadValues(tensor.dtype_a) || !CanReadValues(tensor.dtype_b)) return look;
  const ValueSample sample = HM_TRY(SampleValues(tensor, task));
  if (look.pruned) {
    look.pattern = PatternOf(sample);
    return look;
  }
  look.quantised = FindQuantised(sample, tensor.dtype_a, tensor.dtype_b);
  if (look.quantised || !look.is_matrix) return look;
  look.rounding_energy = RoundingEnergy(sample, tensor.dtype_a, tensor.dtype_b);
  look.noise = MeasureNoise(sample, tensor.dtype_a, tensor.dtype_b);
  HM_TRY(task.CheckStopped());
  look.spectrum = LookAtSpectrum(DifferenceOf(sample), sample.rows, sample.columns);
  return look;
}

}  // namespace hallmark
