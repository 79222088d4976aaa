// Rotary scaling that a container stores as a tensor although the configuration implies it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "src/model/config.h"

namespace hallmark {

// Whether GGUF's rope_freqs.weight holds the divisors that "llama3" scaling implies: at most 4 ulp
// away from the formula with the configuration's factor, or with 8 or 32 where it names none.
// docs/identity-notes.md gives the formula.
bool IsLlama3RopeFactors(std::span<const float> stored, const ModelConfig& config);

// Whether `stored` is within 4 ulp of `expected` rounded to f32, element by element.
bool WithinFourUlp(std::span<const float> stored, std::span<const double> expected);

// The divisors: count of them for a head dimension of 2 * count.
std::vector<double> Llama3RopeFactors(std::size_t count, double theta, double factor,
                                      double low_frequency_factor, double high_frequency_factor,
                                      double original_context);

}  // namespace hallmark
