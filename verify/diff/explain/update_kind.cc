#include "verify/diff/explain/update_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "src/base/text.h"

namespace hallmark {
namespace {

using Kind = Explanation::Kind;

// Set on one half of the pairs that tests/peer/explain_families.py makes, measured on the other:
// docs/diff-explain.md.
constexpr double kNoiseEdge = 1.06;     // largest singular value over the floor, at most
constexpr double kLeastKurtosis = 2.6;  // of noise, with some thousands of values
constexpr double kMostKurtosis = 3.5;
constexpr double kLeastGap = 1.3;    // behind a low rank
constexpr double kLeastShare = 0.4;  // of the energy, in a low rank
constexpr double kMostRounding = 4;  // times what rounding explains, left by a low rank
constexpr double kMostLeft = 1e-4;   // or this share: the update itself was kept in bf16
constexpr double kUnrelatedCosine = 0.1;
constexpr double kMajority = 0.6;  // of the matrices looked at
constexpr double kNoiseMajority = 0.8;
constexpr std::size_t kFewTensors = 3;  // or one in 20

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// Standard deviation over mean.
double Variation(const std::vector<double>& values) {
  if (values.empty()) return 0;
  double sum = 0, squares = 0;
  for (const double x : values) sum += x, squares += x * x;
  const double count = static_cast<double>(values.size());
  const double mean = sum / count;
  return mean > 0 ? std::sqrt(std::max(0.0, squares / count - mean * mean)) / mean : 0;
}

// The tensors that are left, and what was seen of them.
struct Rest {
  std::vector<const TensorLook*> looks;
  std::map<UpdateShape, std::vector<const TensorLook*>> matrices;
  std::size_t matrix_count = 0;
  std::size_t tensors = 0;  // looked at or not
  bool few = false;         // beside all tensors of the model

  std::size_t Count(UpdateShape shape) const {
    const auto found = matrices.find(shape);
    return found == matrices.end() ? 0 : found->second.size();
  }
  bool Most(UpdateShape shape, double share) const {
    return matrix_count > 0 &&
           static_cast<double>(Count(shape)) >= share * static_cast<double>(matrix_count);
  }
  const std::vector<const TensorLook*>& Of(UpdateShape shape) const { return matrices.at(shape); }
};

// Whether most matrices moved by a low rank; those too small to show the commonest rank abstain.
bool IsLowRank(const Rest& rest) {
  if (rest.Count(UpdateShape::kLowRank) == 0) return false;
  std::map<std::size_t, std::size_t> ranks;
  for (const TensorLook* look : rest.Of(UpdateShape::kLowRank)) ++ranks[look->spectrum->rank];
  const std::size_t rank =
      std::ranges::max_element(ranks, {}, [](const auto& entry) { return entry.second; })->first;
  std::size_t votes = 0;
  for (const auto& [shape, looks] : rest.matrices) {
    votes += static_cast<std::size_t>(std::ranges::count_if(looks, [&](const TensorLook* look) {
      const MatrixShape size = AsMatrix(look->tensor->shape);
      return shape == UpdateShape::kLowRank || std::min(size.rows, size.columns) >= 3 * rank;
    }));
  }
  return static_cast<double>(rest.Count(UpdateShape::kLowRank)) >=
         kMajority * static_cast<double>(votes);
}

Explanation DescribeLowRank(const Rest& rest) {
  const auto& looks = rest.Of(UpdateShape::kLowRank);
  std::map<std::size_t, std::size_t> ranks;
  std::vector<double> shares, gaps;
  for (const TensorLook* look : looks) {
    ++ranks[look->spectrum->rank];
    shares.push_back(look->spectrum->energy_share);
    gaps.push_back(look->spectrum->gap);
  }
  const auto& [rank, times] =
      *std::ranges::max_element(ranks, {}, [](const auto& entry) { return entry.second; });
  Explanation out{Kind::kLowRank, looks.size() == 1 ? looks.front()->tensor->name : ""};
  const double share = Median(shares);
  if (looks.size() == 1) {
    out.text = fmt::format("{} moved by a matrix of rank {}", EscapeForPeople(out.subject), rank);
  } else if (times * 2 > looks.size()) {
    out.text = fmt::format(
        "low-rank update: rank {} in {} of {} matrices looked at, of {} tensors "
        "that moved",
        rank, times, rest.matrix_count, rest.tensors);
  } else {
    out.text = fmt::format(
        "low-rank update: ranks {} to {} in {} of {} matrices looked at, of {} "
        "tensors that moved",
        ranks.begin()->first, ranks.rbegin()->first, looks.size(), rest.matrix_count, rest.tensors);
  }
  out.text += fmt::format(", with {:.0f} % of the energy", 100 * share);
  if (share < 0.95) out.text += "; what is left looks like rounding";
  out.numbers = {{"rank", static_cast<double>(rank)},
                 {"energy_share", share},
                 {"gap", Median(gaps)},
                 {"matrices", static_cast<double>(looks.size())},
                 {"matrices_looked_at", static_cast<double>(rest.matrix_count)},
                 {"tensors", static_cast<double>(rest.tensors)}};
  return out;
}

Explanation DescribeNoise(const Rest& rest) {
  std::vector<double> sigmas, relative, kurtoses, edges;
  for (const TensorLook* look : rest.Of(UpdateShape::kNoise)) {
    sigmas.push_back(look->noise.sigma);
    relative.push_back(look->noise.sigma / look->noise.size_of_a);
    kurtoses.push_back(look->noise.kurtosis);
    edges.push_back(look->spectrum->edge);
  }
  const bool by_tensor = Variation(relative) < Variation(sigmas);
  Explanation out{Kind::kNoise, rest.looks.size() == 1 ? rest.looks.front()->tensor->name : ""};
  out.text = fmt::format(
      "added noise: Gaussian, no direction preferred, {:.3g} {} (median of {} "
      "matrices looked at)",
      by_tensor ? Median(relative) : Median(sigmas),
      by_tensor ? "of each tensor's own size" : "in standard deviation", sigmas.size());
  out.numbers = {{"sigma", Median(sigmas)},
                 {"sigma_relative", Median(relative)},
                 {"sigma_variation", std::min(Variation(sigmas), Variation(relative))},
                 {"kurtosis", Median(kurtoses)},
                 {"edge", Median(edges)},
                 {"matrices", static_cast<double>(sigmas.size())}};
  return out;
}

Explanation DescribeUnrelated(const Rest& rest) {
  std::vector<double> cosines;
  for (const TensorLook* look : rest.Of(UpdateShape::kUnrelated)) {
    cosines.push_back(std::fabs(look->tensor->values->Cosine()));
  }
  Explanation out{Kind::kUnrelated, ""};
  out.text = fmt::format(
      "unrelated: the values of {} of {} matrices looked at have nothing in common "
      "(cosine {:.3f}): another training run, or none",
      cosines.size(), rest.matrix_count, Median(cosines));
  out.numbers = {{"cosine", Median(cosines)}, {"matrices", static_cast<double>(cosines.size())}};
  return out;
}

Explanation DescribeEdit(const Rest& rest) {
  const TensorLook& first = *rest.looks.front();
  const ValueComparison& values = *first.tensor->values;
  Explanation out{Kind::kTensorEdit, rest.tensors == 1 ? first.tensor->name : ""};
  std::string names;
  for (std::size_t i = 0; i < rest.looks.size() && i < kFewTensors; ++i) {
    names += (i == 0 ? "" : ", ") + EscapeForPeople(rest.looks[i]->tensor->name);
  }
  if (rest.tensors > kFewTensors) names += fmt::format(" and {} more", rest.tensors - kFewTensors);
  const bool replaced = std::fabs(values.Cosine()) < kUnrelatedCosine && first.is_matrix &&
                        values.differing * 10 > values.values * 9;
  const double share = static_cast<double>(values.differing) / static_cast<double>(values.values);
  out.text =
      fmt::format("edited: only {} differ{}, {:.3g} % of the values, {:.3g} in relative size{}",
                  names, rest.tensors == 1 ? "s" : "", 100 * share, values.RelativeNorm(),
                  replaced ? ": replaced, nothing in common" : "");
  out.numbers = {{"tensors", static_cast<double>(rest.tensors)},
                 {"share", share},
                 {"relative_norm", values.RelativeNorm()},
                 {"cosine", values.Cosine()}};
  const std::uint64_t columns = AsMatrix(first.tensor->shape).columns;
  if (columns > 0 && rest.tensors == 1) {
    out.numbers.push_back({"first_row", static_cast<double>(values.first_differing / columns)});
    out.numbers.push_back({"last_row", static_cast<double>(values.last_differing / columns)});
  }
  return out;
}

Explanation DescribeFineTune(const Rest& rest) {
  std::vector<double> norms, edges, cosines;
  for (const TensorLook* look : rest.looks) {
    norms.push_back(look->tensor->values->RelativeNorm());
    cosines.push_back(look->tensor->values->Cosine());
    if (look->spectrum) edges.push_back(look->spectrum->edge);
  }
  Explanation out{Kind::kFineTune, ""};
  out.text = fmt::format(
      "fine-tuned or trained on: {} tensors moved by {:.2g} of their size (median), "
      "in no low rank; a linear merge with a model that is not at hand looks the "
      "same",
      rest.tensors, Median(norms));
  out.numbers = {{"tensors", static_cast<double>(rest.tensors)},
                 {"relative_norm", Median(norms)},
                 {"cosine", Median(cosines)},
                 {"edge", Median(edges)},
                 {"matrices_looked_at", static_cast<double>(rest.matrix_count)}};
  return out;
}

}  // namespace

UpdateShape ShapeOfUpdate(const TensorLook& look) {
  if (look.IsExplained() || !look.is_matrix || !look.spectrum) return UpdateShape::kNone;
  const Spectrum& spectrum = *look.spectrum;
  if (spectrum.singular.empty()) return UpdateShape::kNone;
  if (std::fabs(look.tensor->values->Cosine()) < kUnrelatedCosine) return UpdateShape::kUnrelated;
  const double left = spectrum.energy * (1 - spectrum.energy_share);
  if (spectrum.rank > 0 && spectrum.gap >= kLeastGap && spectrum.energy_share >= kLeastShare &&
      (left <= kMostRounding * look.rounding_energy || left <= kMostLeft * spectrum.energy)) {
    return UpdateShape::kLowRank;
  }
  if (spectrum.edge <= kNoiseEdge && look.noise.values > 0 &&
      look.noise.kurtosis >= kLeastKurtosis && look.noise.kurtosis <= kMostKurtosis) {
    return UpdateShape::kNoise;
  }
  return UpdateShape::kOther;
}

std::optional<Explanation> ExplainUpdate(const DiffReport& report,
                                         std::span<const DifferingTensor> tensors,
                                         const std::vector<TensorLook>& looks) {
  Rest rest;
  std::size_t explained = 0;
  std::size_t coarser = 0;  // pruned or quantised
  for (const TensorLook& look : looks) {
    if (look.tensor->values->differing == 0) continue;
    if (look.IsExplained()) {
      ++explained;
      coarser += look.pruned || look.quantised;
      continue;
    }
    rest.looks.push_back(&look);
    const UpdateShape shape = ShapeOfUpdate(look);
    if (shape == UpdateShape::kNone) continue;
    rest.matrices[shape].push_back(&look);
    ++rest.matrix_count;
  }
  // Of a quantised model a few tensors are too small, or too odd, to be told as such.
  if (rest.looks.empty() || rest.looks.size() * 4 < coarser) return std::nullopt;
  rest.tensors = tensors.size() - std::min(explained, tensors.size() - rest.looks.size());
  const std::size_t all = std::max(report.tensors.size(), tensors.size());
  rest.few = (rest.tensors <= kFewTensors || rest.tensors * 20 <= all) && rest.tensors * 2 <= all;

  if (IsLowRank(rest)) return DescribeLowRank(rest);
  if (rest.few) return DescribeEdit(rest);
  if (rest.Most(UpdateShape::kUnrelated, kMajority)) return DescribeUnrelated(rest);
  if (rest.Most(UpdateShape::kNoise, kNoiseMajority)) return DescribeNoise(rest);
  return DescribeFineTune(rest);
}

}  // namespace hallmark
