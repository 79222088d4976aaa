// The singular values of a difference: is it of low rank, is it noise, or neither?
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hallmark {

// A difference d is judged against itself with every value's sign drawn at random: that keeps the
// size of each value, hence what rounding to bf16 or f16 adds where, and destroys whatever the
// values have in common. The largest singular value of the flipped matrix is the noise floor
// ("signflip parallel analysis": Hong, Sheng, Dobriban 2020); of values that are all alike it is
// the edge of the Marchenko-Pastur law.
struct Spectrum {
  std::vector<double> singular;  // the largest, falling; none of a matrix that is all zeros
  double energy = 0;             // sum of all squares
  double edge = 0;               // largest singular value / noise floor: about 1 is noise
  // The best candidate for a rank: 0 if there is none.
  std::size_t rank = 0;
  double gap = 0;           // singular value `rank` over the next
  double rest = 0;          // edge of what is left without the first `rank` directions
  double energy_share = 0;  // of these directions
};

// `difference` is rows * columns values, row after row, all finite. A rank is at most a third
// of the rows, and of the columns, that are not zero. Randomised SVD (Halko,
// Martinsson, Tropp 2011) with two power iterations and a fixed seed; ranks up to 64 are found.
// Deterministic; one thread.
Spectrum LookAtSpectrum(std::span<const float> difference, std::size_t rows, std::size_t columns);

}  // namespace hallmark
