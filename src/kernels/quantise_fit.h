// How ggml looks for the scale of a group of values: many are tried, and the one with the smallest
// weighted error wins. ggml-quants.c of llama.cpp, in the same order of operations.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hallmark {

// Summed from first to last.
float SumOfSquares(const float* values, std::size_t count);

// The first value of the largest magnitude; zero if there are only zeros and NaNs.
float ValueOfLargestMagnitude(int count, const float* values);

// Groups whose largest magnitude is smaller than this are all zero.
inline constexpr float kSmallestGroup = 1e-15f;

// The tries of FitWithMinimum: maximal levels of kMost + first + step * i, for i up to `last`.
struct ScaleTries {
  float first;
  float step;
  int last;
};
inline constexpr ScaleTries kTriesQ2K = {-0.5f, 0.1f, 15};
inline constexpr ScaleTries kTriesQ4K = {-1.0f, 0.1f, 20};
inline constexpr ScaleTries kTriesQ5K = {-0.5f, 0.1f, 15};
inline constexpr ScaleTries kTriesByImportance = {-0.9f, 0.05f, 36};

// What makes the error of a group of its values' differences.
enum class Norm : std::uint8_t { kSquare, kMagnitude };

struct ScaleAndMinimum {
  float scale;
  float minimum;  // subtracted: not below zero
};
// Values as scale * level - minimum with levels 0..most. make_qkx2_quants and make_qkx3_quants,
// which do the same when there are weights.
ScaleAndMinimum FitWithMinimum(int count, int most, const float* values, const float* weights,
                               const ScaleTries& tries, Norm norm, std::uint8_t* levels);

// Values as scale * (level - most) with levels 0..2 * most - 1; levels of a group that is all zero
// are 0 too, and so is its scale. make_qx_quants.
float FitSigned(int count, int most, const float* values, const float* weights,
                std::uint8_t* levels);

// The same with a level at a time moved while that helps. make_q3_quants with do_rmse.
float FitSignedByDescent(int count, int most, const float* values, std::uint8_t* levels);

// Values that are not negative as scale * level with levels 0..most. make_qp_quants.
float FitPositive(int count, int most, const float* values, const float* weights,
                  std::uint8_t* levels);

}  // namespace hallmark
