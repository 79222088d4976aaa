// Each block type as quantize_* in ggml-quants.c of llama.cpp make it, in the same order of
// operations.
#include "src/kernels/quantise_definition.h"

#include <algorithm>
#include <cmath>

#include "src/base/error.h"
#include "src/kernels/codebooks.h"
#include "src/kernels/quantise.h"
#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_fit.h"
#include "src/kernels/quantise_scales.h"

namespace hallmark {
namespace {

float Sum(const float* values, int count) {
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i];
  return sum;
}

// What an error at a value counts, given the importance of the value.
void WeighByImportance(const float* values, const float* importance, float mean_square, int count,
                       float* weights) {
  for (int i = 0; i < count; ++i) {
    weights[i] = importance[i] * std::sqrt(mean_square + values[i] * values[i]);
  }
}

void WeighBySquare(const float* values, int count, float* weights) {
  for (int i = 0; i < count; ++i) weights[i] = values[i] * values[i];
}

// The largest magnitude after the last NaN; a NaN if that comes last.
float LargestMagnitude(const float* values, int count) {
  float largest = 0;
  for (int i = 0; i < count; ++i) {
    const float magnitude = std::fabs(values[i]);
    largest = largest > magnitude ? largest : magnitude;
  }
  return largest;
}

float InverseOr0(float value) { return value != 0 ? 1 / value : 0; }

std::uint8_t Byte(int number) { return static_cast<std::uint8_t>(number); }

// Q4_0 and Q5_0: levels around `most`.
template <int most, typename Block>
void DefineAround(const BlockInput& input, Block& block) {
  std::uint8_t levels[32];
  float d;
  if (input.importance != nullptr) {
    float weights[32];
    WeighByImportance(input.values, input.importance, input.mean_square, 32, weights);
    d = FitSigned(32, most, input.values, weights, levels);
  } else {
    d = ValueOfLargestMagnitude(32, input.values) / -most;
    const float inverse = InverseOr0(d);
    for (int i = 0; i < 32; ++i) {
      const int level = Truncated(input.values[i] * inverse + (most + 0.5f));
      levels[i] = Byte(std::min<int>(2 * most - 1, static_cast<std::int8_t>(level)));
    }
  }
  block.d = ToF16(d);
  PackLevels(levels, block);
}

// Q4_1 and Q5_1: levels from a minimum on.
template <int most, typename Block>
void DefineFromMinimum(const BlockInput& input, Block& block) {
  std::uint8_t levels[32];
  float d, m;
  if (input.importance != nullptr) {
    float weights[32];
    WeighByImportance(input.values, input.importance, input.mean_square, 32, weights);
    const auto fit =
        FitWithMinimum(32, most, input.values, weights, kTriesByImportance, Norm::kSquare, levels);
    d = fit.scale;
    m = -fit.minimum;
  } else {
    m = std::numeric_limits<float>::max();
    float maximum = -m;
    for (int i = 0; i < 32; ++i) {
      if (input.values[i] < m) m = input.values[i];
      if (input.values[i] > maximum) maximum = input.values[i];
    }
    d = (maximum - m) / most;
    const float inverse = InverseOr0(d);
    for (int i = 0; i < 32; ++i) {
      const int level = Truncated((input.values[i] - m) * inverse + 0.5f);
      levels[i] = Byte(most == 15 ? std::min<int>(15, static_cast<std::int8_t>(level)) : level);
    }
  }
  block.d = ToF16(d);
  block.m = ToF16(m);
  PackLevels(levels, block);
}

// The levels of each group of kGroup values for scales that have been rounded; those of a group
// whose scale became zero stay as they were.
template <int kGroup, int kLeast, int kMost>
void SetLevels(const float* values, const float* scales, const float* minima,
               std::uint8_t* levels) {
  for (int i = 0; i < 256; ++i) {
    const float d = scales[i / kGroup];
    if (d == 0) continue;
    const int nearest = NearestInt((values[i] + minima[i / kGroup]) / d);
    const int level = std::max(kLeast, std::min(kMost, nearest));
    levels[i] = Byte(level - kLeast);
  }
}

// Q4_K and Q5_K.
template <int most, typename Block>
void DefineQ4Or5(const BlockInput& input, const ScaleTries& tries, Block& block) {
  const float* const x = input.values;
  std::uint8_t levels[256];
  float weights[32], scales[8], minima[8], weight_sums[8];
  const float mean_square = 2 * SumOfSquares(x, 256) / 256;
  for (int group = 0; group < 8; ++group) {
    const float* const values = x + 32 * group;
    if (input.importance != nullptr) {
      WeighByImportance(values, input.importance + 32 * group, mean_square, 32, weights);
    } else {
      const float root_mean_square = std::sqrt(SumOfSquares(values, 32) / 32);
      for (int i = 0; i < 32; ++i) weights[i] = root_mean_square + std::fabs(values[i]);
    }
    weight_sums[group] = Sum(weights, 32);
    const auto fit = FitWithMinimum(32, most, values, weights,
                                    input.importance != nullptr ? kTriesByImportance : tries,
                                    Norm::kSquare, levels + 32 * group);
    scales[group] = fit.scale;
    minima[group] = fit.minimum;
  }
  RoundScales({scales, minima, input.importance != nullptr ? weight_sums : nullptr}, block, scales,
              minima);
  SetLevels<32, 0, most>(x, scales, minima, levels);
  PackLevels(levels, block);
}

int IndexOfNearestIq4Level(float value) {
  if (value <= kIq4Levels.front()) return 0;
  if (value >= kIq4Levels.back()) return 15;
  int below = 0, above = 15;
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    (value < kIq4Levels[middle] ? above : below) = middle;
  }
  return value - kIq4Levels[above - 1] < kIq4Levels[above] - value ? above - 1 : above;
}

// The scale of a group of 32 values by the levels of IQ4.
float FitIq4(const float* values, const float* weights) {
  const float largest = ValueOfLargestMagnitude(32, values);
  if (std::fabs(largest) < kSmallestGroup) return 0;
  float sum_xq = 0, sum_q2 = 0;
  const auto sum = [&](float inverse) {
    sum_xq = sum_q2 = 0;
    for (int i = 0; i < 32; ++i) {
      const float q = kIq4Levels[IndexOfNearestIq4Level(inverse * values[i])];
      sum_xq += weights[i] * q * values[i];
      sum_q2 += weights[i] * q * q;
    }
  };
  sum(1 / (-largest / kIq4Levels[0]));
  float scale = sum_q2 > 0 ? sum_xq / sum_q2 : 0;
  float best = scale * sum_xq;
  for (int step = -7; step <= 7; ++step) {
    sum(static_cast<float>(step + kIq4Levels[0]) / largest);
    if (sum_q2 > 0 && sum_xq * sum_xq > best * sum_q2) {
      scale = sum_xq / sum_q2;
      best = scale * sum_xq;
    }
  }
  return scale;
}

void WeighIq4(const BlockInput& input, float mean_square, int group, float* weights) {
  const float* const values = input.values + 32 * group;
  if (input.importance != nullptr) {
    WeighByImportance(values, input.importance + 32 * group, mean_square, 32, weights);
  } else {
    WeighBySquare(values, 32, weights);
  }
}

// The levels of each group of 32 values.
template <typename Block>
void SetIq4Levels(const float* values, const float* inverses, Block& block) {
  std::uint8_t levels[kBlockValues<Block>];
  for (std::size_t i = 0; i < kBlockValues<Block>; ++i) {
    levels[i] = Byte(IndexOfNearestIq4Level(inverses[i / 32] * values[i]));
  }
  PackLevels(levels, block);
}

// -1, 0 and 1 as 0, 1 and 2; what does not fit as ggml has it.
std::uint8_t Trit(float value) {
  if (!(std::fabs(value) < 0x1p63f)) return 1;
  return static_cast<std::uint8_t>(std::lround(value) + 1);
}

// TQ1_0 and TQ2_0.
template <typename Block>
void DefineTernary(const BlockInput& input, Block& block) {
  const float d = LargestMagnitude(input.values, 256);
  const float inverse = InverseOr0(d);
  std::uint8_t levels[256];
  for (int i = 0; i < 256; ++i) levels[i] = Trit(input.values[i] * inverse);
  block.d = ToF16(d);
  PackLevels(levels, block);
}

int IndexOfNearestFp4Level(float value, float scale) {
  int nearest = 0;
  float least = std::fabs(kFp4Levels[0] * scale - value);
  for (int i = 1; i < 16; ++i) {
    const float error = std::fabs(kFp4Levels[i] * scale - value);
    if (error < least) {
      nearest = i;
      least = error;
    }
  }
  return nearest;
}

}  // namespace

float RowMeanSquare(const float* row, std::size_t length) {
  return SumOfSquares(row, length) / static_cast<float>(length);
}

void DefineBlock(const BlockInput& input, BlockQ4_0& block) { DefineAround<8>(input, block); }
void DefineBlock(const BlockInput& input, BlockQ5_0& block) { DefineAround<16>(input, block); }
void DefineBlock(const BlockInput& input, BlockQ4_1& block) { DefineFromMinimum<15>(input, block); }
void DefineBlock(const BlockInput& input, BlockQ5_1& block) { DefineFromMinimum<31>(input, block); }

void DefineBlock(const BlockInput& input, BlockQ8_0& block) {
  const float d = LargestMagnitude(input.values, 32) / 127;
  const float inverse = InverseOr0(d);
  block.d = ToF16(d);
  for (int i = 0; i < 32; ++i) {
    block.qs[i] = static_cast<std::int8_t>(Truncated(std::round(input.values[i] * inverse)));
  }
}

void DefineBlock(const BlockInput& input, BlockQ2_K& block) {
  const float* const x = input.values;
  std::uint8_t levels[256];
  float weights[16], scales[16], minima[16], weight_sums[16];
  const float mean_square = SumOfSquares(x, 256) / 256;
  for (int group = 0; group < 16; ++group) {
    const float* const values = x + 16 * group;
    ScaleAndMinimum fit;
    if (input.importance != nullptr) {
      WeighByImportance(values, input.importance + 16 * group, mean_square, 16, weights);
      weight_sums[group] = Sum(weights, 16);
      fit = FitWithMinimum(16, 3, values, weights, kTriesByImportance, Norm::kSquare,
                           levels + 16 * group);
    } else {
      for (int i = 0; i < 16; ++i) weights[i] = std::fabs(values[i]);
      fit =
          FitWithMinimum(16, 3, values, weights, kTriesQ2K, Norm::kMagnitude, levels + 16 * group);
    }
    scales[group] = fit.scale;
    minima[group] = fit.minimum;
  }
  RoundScales({scales, minima, input.importance != nullptr ? weight_sums : nullptr}, block, scales,
              minima);
  SetLevels<16, 0, 3>(x, scales, minima, levels);
  PackLevels(levels, block);
}

void DefineBlock(const BlockInput& input, BlockQ3_K& block) {
  const float* const x = input.values;
  std::uint8_t levels[256];
  float weights[16], scales[16], minima[16], weight_sums[16];
  const float mean_square = 2 * SumOfSquares(x, 256) / 256;
  for (int group = 0; group < 16; ++group) {
    const float* const values = x + 16 * group;
    if (input.importance != nullptr) {
      WeighByImportance(values, input.importance + 16 * group, mean_square, 16, weights);
      weight_sums[group] = Sum(weights, 16);
      scales[group] = FitSigned(16, 4, values, weights, levels + 16 * group);
    } else {
      scales[group] = FitSignedByDescent(16, 4, values, levels + 16 * group);
    }
  }
  RoundScales({scales, nullptr, input.importance != nullptr ? weight_sums : nullptr}, block, scales,
              minima);
  SetLevels<16, -4, 3>(x, scales, minima, levels);
  PackLevels(levels, block);
}

void DefineBlock(const BlockInput& input, BlockQ4_K& block) {
  DefineQ4Or5<15>(input, kTriesQ4K, block);
}
void DefineBlock(const BlockInput& input, BlockQ5_K& block) {
  DefineQ4Or5<31>(input, kTriesQ5K, block);
}

void DefineBlock(const BlockInput& input, BlockQ6_K& block) {
  const float* const x = input.values;
  std::uint8_t levels[256];
  float weights[16], scales[16], minima[16];
  for (int group = 0; group < 16; ++group) {
    const float* const values = x + 16 * group;
    WeighBySquare(values, 16, weights);
    scales[group] = FitSigned(16, 32, values,
                              input.importance != nullptr ? input.importance + 16 * group : weights,
                              levels + 16 * group);
  }
  if (ScalesAreNothing(scales)) {
    std::memset(&block, 0, sizeof block);
    return;
  }
  RoundScales({scales, nullptr, nullptr}, block, scales, minima);
  SetLevels<16, -32, 31>(x, scales, minima, levels);
  PackLevels(levels, block);
}

void DefineBlock(const BlockInput& input, BlockIq4Nl& block) {
  float weights[32], inverse;
  WeighIq4(input, SumOfSquares(input.values, 32) * (2.0f / 32), 0, weights);
  const float scale = FitIq4(input.values, weights);
  RoundScales({&scale, nullptr, nullptr}, block, &inverse);
  SetIq4Levels(input.values, &inverse, block);
}

void DefineBlock(const BlockInput& input, BlockIq4Xs& block) {
  float weights[32], scales[8], inverses[8];
  const float mean_square = SumOfSquares(input.values, 256) * (2.0f / 256);
  for (int group = 0; group < 8; ++group) {
    WeighIq4(input, mean_square, group, weights);
    scales[group] = FitIq4(input.values + 32 * group, weights);
  }
  RoundScales({scales, nullptr, nullptr}, block, inverses);
  SetIq4Levels(input.values, inverses, block);
}

void DefineBlock(const BlockInput& input, BlockTq1_0& block) { DefineTernary(input, block); }
void DefineBlock(const BlockInput& input, BlockTq2_0& block) { DefineTernary(input, block); }

void DefineBlock(const BlockInput& input, BlockMxfp4& block) {
  block.e = ExponentOfMxfp4(std::fabs(ValueOfLargestMagnitude(32, input.values)));
  const float scale = HalfE8m0(block.e);
  std::uint8_t levels[32];
  for (int i = 0; i < 32; ++i) levels[i] = Byte(IndexOfNearestFp4Level(input.values[i], scale));
  PackLevels(levels, block);
}

}  // namespace hallmark
