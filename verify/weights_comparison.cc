#include "verify/weights_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "src/kernels/narrow.h"

namespace hallmark {
namespace {

std::string Describe(const KnownWeights::Tensor& theirs, const TensorIdentity& ours) {
  if (theirs.shape != ours.shape) {
    return fmt::format("shape {}, expected {}", ShapeText(ours.shape), ShapeText(theirs.shape));
  }
  if (theirs.dtype != ours.dtype) {
    return fmt::format("values of type {}, expected {}", DtypeName(ours.dtype),
                       DtypeName(theirs.dtype));
  }
  return "values differ";
}

bool IsRaw(std::string_view identity) { return identity.starts_with("hm1raw:"); }

}  // namespace

KnownWeights Known(const WeightIdentity& identity) {
  KnownWeights known{identity.ToString(), {}};
  for (const TensorIdentity& tensor : identity.tensors) {
    known.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.digest});
  }
  return known;
}

KnownWeights Known(const Manifest& manifest) {
  KnownWeights known{manifest.weights, {}};
  for (const ManifestTensor& tensor : manifest.tensors) {
    known.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.digest});
  }
  return known;
}

WeightsVerdict CompareWeights(const Model& model, const WeightIdentity& ours,
                              const KnownWeights& theirs) {
  WeightsVerdict verdict;
  verdict.ours = ours.ToString();
  verdict.theirs = theirs.identity;
  if (verdict.ours == verdict.theirs) {
    verdict.state = WeightsVerdict::State::kSame;
    verdict.tensors_compared = ours.tensors.size();
    return verdict;
  }
  verdict.state = WeightsVerdict::State::kDifferent;
  if (theirs.tensors.empty()) {
    if (ours.raw || IsRaw(theirs.identity)) {
      verdict.state = WeightsVerdict::State::kNotComparable;
      verdict.reason = "an identity over stored names (hm1raw) cannot tell renamed from different";
    }
    return verdict;
  }
  std::map<std::string_view, const KnownWeights::Tensor*> expected;
  for (const KnownWeights::Tensor& tensor : theirs.tensors) expected[tensor.name] = &tensor;
  std::size_t common = 0;
  for (const TensorIdentity& tensor : ours.tensors) {
    const auto found = expected.find(tensor.name);
    if (found != expected.end()) {
      ++common;
      if (found->second->digest == tensor.digest) {
        expected.erase(found);
        continue;
      }
    }
    WeightsVerdict::Difference difference{tensor.name, tensor.group, "not in the source", {}, {}};
    if (found != expected.end()) {
      difference.what = Describe(*found->second, tensor);
      expected.erase(found);
    }
    for (const TensorPart& part : tensor.parts) {
      for (FileStretch& place : model.PlacesOf(part.file, part.tensor)) {
        difference.places.emplace_back(std::move(place.path), place.range);
      }
    }
    verdict.differences.push_back(std::move(difference));
  }
  for (const auto& [name, tensor] : expected) {
    verdict.differences.push_back({std::string(name), GroupKey(name), "missing", {}, {}});
  }
  verdict.tensors_compared = common;
  if (common == 0) {
    verdict.state = WeightsVerdict::State::kNotComparable;
    verdict.reason = "no tensor name is common to both";
    verdict.differences.clear();
  }
  return verdict;
}

Result<void> CountDifferingValues(const Model& ours, const Model& theirs, const Task& task,
                                  WeightsVerdict& verdict) {
  constexpr std::size_t kValues = 1 << 16;
  const CanonicalModel our_tensors = HM_TRY(Canonicalise(ours, task));
  const CanonicalModel their_tensors = HM_TRY(Canonicalise(theirs, task));
  std::vector<double> a(kValues);
  std::vector<double> b(kValues);
  std::vector<std::byte> buffer(kValues * sizeof(double));
  for (WeightsVerdict::Difference& difference : verdict.differences) {
    const CanonicalTensor* x = FindTensor(our_tensors, difference.tensor);
    const CanonicalTensor* y = FindTensor(their_tensors, difference.tensor);
    if (x == nullptr || y == nullptr || x->shape != y->shape || !IsFloatFamily(x->dtype) ||
        !IsFloatFamily(y->dtype)) {
      continue;
    }
    WeightsVerdict::Difference::Values values;
    values.total = HM_TRY(ElementCount(x->shape));
    const auto widen = [&](const CanonicalTensor& tensor, std::uint64_t first, std::size_t count,
                           std::vector<double>& out) -> Result<void> {
      const std::size_t width = InfoOf(tensor.dtype).block_bytes;
      const MutableByteSpan bytes(buffer.data(), count * width);
      HM_TRY(tensor.bytes->Read(first * width, bytes));
      const bool exact = CastExactly(tensor.dtype, Dtype::kF64, bytes,
                                     std::as_writable_bytes(std::span(out).first(count)));
      HM_CHECK(exact);  // widening always is
      return {};
    };
    for (std::uint64_t first = 0; first < values.total; first += kValues) {
      HM_TRY(task.CheckStopped());
      const std::size_t count = std::min<std::uint64_t>(kValues, values.total - first);
      HM_TRY(widen(*x, first, count, a));
      HM_TRY(widen(*y, first, count, b));
      for (std::size_t i = 0; i < count; ++i) {
        if (std::bit_cast<std::uint64_t>(a[i]) == std::bit_cast<std::uint64_t>(b[i])) continue;
        ++values.differing;
        const double distance = std::abs(a[i] - b[i]);
        values.max_abs =
            std::max(values.max_abs,
                     std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance);
      }
    }
    difference.values = values;
  }
  return {};
}

}  // namespace hallmark
