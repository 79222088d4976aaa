#include "verify/diff/explain/noise_moments.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hallmark {
namespace {

constexpr std::uint64_t kLeastValues = 1000;

// By the exponent of a: the finer values come first.
struct Bin {
  std::uint64_t values = 0;
  double sum = 0, squares = 0, fourths = 0;
  void Add(const Bin& other) {
    values += other.values;
    sum += other.sum;
    squares += other.squares;
    fourths += other.fourths;
  }
};
constexpr int kLeastExponent = -150;

}  // namespace

NoiseMoments MeasureNoise(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b) {
  NoiseMoments out;
  if (!IsFloatFamily(dtype_a) || !IsFloatFamily(dtype_b)) return out;
  std::array<Bin, 280> bins = {};
  double squares_a = 0, largest = 0;
  for (std::size_t i = 0; i < sample.a.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(sample.b[i]) - sample.a[i]));
  }
  if (!(largest > 0)) return out;
  for (std::size_t i = 0; i < sample.a.size(); ++i) {
    const double a = sample.a[i];
    squares_a += a * a;
    const double d = (sample.b[i] - a) / largest;
    const int exponent = a == 0 ? kLeastExponent : std::max(std::ilogb(a), kLeastExponent);
    bins[static_cast<std::size_t>(exponent - kLeastExponent)].Add({1, d, d * d, d * d * d * d});
  }
  out.size_of_a = std::sqrt(squares_a / static_cast<double>(sample.a.size()));

  Bin taken;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins[i].values == 0) continue;
    const double at = std::ldexp(1.0, static_cast<int>(i) + kLeastExponent);
    const double step = std::max(StepOf(dtype_a, at), StepOf(dtype_b, at)) / largest;
    const double size =
        taken.values == 0 ? 0 : std::sqrt(taken.squares / static_cast<double>(taken.values));
    if (taken.values >= kLeastValues && step > size / 2) break;
    taken.Add(bins[i]);
    // So far the differences may be nothing but the rounding of the first values themselves.
    const double now = std::sqrt(taken.squares / static_cast<double>(taken.values));
    if (taken.values >= kLeastValues && step > now / 2) return out;
  }
  if (taken.values < kLeastValues || !(taken.squares > 0)) return out;
  const double count = static_cast<double>(taken.values);
  out.values = taken.values;
  out.sigma = largest * std::sqrt(taken.squares / count);
  out.kurtosis = taken.fourths * count / (taken.squares * taken.squares);
  return out;
}

}  // namespace hallmark
