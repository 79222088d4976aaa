#include "src/model/rope.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace hallmark {
namespace {

// Positive finite floats are ordered as their bit patterns are.
bool Near(float stored, double expected) {
  const auto target = static_cast<float>(expected);
  if (!(stored > 0) || !std::isfinite(stored) || !(target > 0) || !std::isfinite(target)) {
    return false;
  }
  const auto a = std::bit_cast<std::uint32_t>(stored);
  const auto b = std::bit_cast<std::uint32_t>(target);
  return (a > b ? a - b : b - a) <= 4;
}

}  // namespace

bool WithinFourUlp(std::span<const float> stored, std::span<const double> expected) {
  if (stored.size() != expected.size()) return false;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (!Near(stored[i], expected[i])) return false;
  }
  return true;
}

std::vector<double> Llama3RopeFactors(std::size_t count, double theta, double factor,
                                      double low_frequency_factor, double high_frequency_factor,
                                      double original_context) {
  std::vector<double> divisors(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double exponent = static_cast<double>(i) / static_cast<double>(count);
    const double wavelength = 2 * std::numbers::pi * std::pow(theta, exponent);
    if (wavelength < original_context / high_frequency_factor) {
      divisors[i] = 1;
    } else if (wavelength > original_context / low_frequency_factor) {
      divisors[i] = factor;
    } else {
      const double smooth = (original_context / wavelength - low_frequency_factor) /
                            (high_frequency_factor - low_frequency_factor);
      divisors[i] = 1 / ((1 - smooth) / factor + smooth);
    }
  }
  return divisors;
}

bool IsLlama3RopeFactors(std::span<const float> stored, const ModelConfig& config) {
  if (stored.empty()) return false;
  std::vector<double> factors = {8, 32};
  const RopeScaling& rope = config.rope;
  const bool said = rope.type == "llama3" && rope.factor.has_value();
  if (said) factors = {*rope.factor};
  for (const double factor : factors) {
    const auto expected =
        Llama3RopeFactors(stored.size(), config.rope_theta.value_or(10000), factor,
                          said ? rope.low_frequency_factor.value_or(1) : 1,
                          said ? rope.high_frequency_factor.value_or(4) : 4,
                          said ? rope.original_context.value_or(8192) : 8192);
    if (WithinFourUlp(stored, expected)) return true;
  }
  return false;
}

}  // namespace hallmark
