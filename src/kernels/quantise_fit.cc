#include "src/kernels/quantise_fit.h"

#include <algorithm>
#include <cmath>

#include "src/kernels/quantise_arithmetic.h"

namespace hallmark {
namespace {

// The level nearest to value, of `least` to `most`.
int NearestLevel(float value, int least, int most) {
  return std::max(least, std::min(most, NearestInt(value)));
}

float Deviation(float difference, Norm norm) {
  return norm == Norm::kMagnitude ? std::fabs(difference) : difference * difference;
}

}  // namespace

float SumOfSquares(const float* values, std::size_t count) {
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i] * values[i];
  return sum;
}

float ValueOfLargestMagnitude(int count, const float* values) {
  float largest = 0, magnitude = 0;
  for (int i = 0; i < count; ++i) {
    if (std::fabs(values[i]) > magnitude) {
      magnitude = std::fabs(values[i]);
      largest = values[i];
    }
  }
  return largest;
}

ScaleAndMinimum FitWithMinimum(int count, int most, const float* values, const float* weights,
                               const ScaleTries& tries, Norm norm, std::uint8_t* levels) {
  float minimum = values[0], maximum = values[0];
  float sum_w = weights[0], sum_x = sum_w * values[0];
  for (int i = 1; i < count; ++i) {
    if (values[i] < minimum) minimum = values[i];
    if (values[i] > maximum) maximum = values[i];
    sum_w += weights[i];
    sum_x += weights[i] * values[i];
  }
  if (minimum > 0) minimum = 0;
  if (maximum == minimum) {
    std::fill_n(levels, count, std::uint8_t{0});
    return {0, -minimum};
  }

  float inverse = static_cast<float>(most) / (maximum - minimum);
  float scale = 1 / inverse;
  float least_error = 0;
  for (int i = 0; i < count; ++i) {
    levels[i] = static_cast<std::uint8_t>(NearestLevel(inverse * (values[i] - minimum), 0, most));
    const float difference = scale * levels[i] + minimum - values[i];
    least_error += weights[i] * Deviation(difference, norm);
  }
  for (int step = 0; step <= tries.last; ++step) {
    std::uint8_t tried[32];
    // Both depend on the best minimum so far, not on that of the values.
    inverse = (tries.first + tries.step * static_cast<float>(step) + static_cast<float>(most)) /
              (maximum - minimum);
    float sum_l = 0, sum_l2 = 0, sum_xl = 0;
    for (int i = 0; i < count; ++i) {
      tried[i] = static_cast<std::uint8_t>(NearestLevel(inverse * (values[i] - minimum), 0, most));
      const float l = tried[i];
      const float wl = weights[i] * l;
      sum_l += wl;
      sum_l2 += wl * l;
      sum_xl += wl * values[i];
    }
    const float determinant = sum_w * sum_l2 - sum_l * sum_l;
    if (!(determinant > 0)) continue;
    float this_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant;
    float this_minimum = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
    if (this_minimum > 0) {
      this_minimum = 0;
      this_scale = sum_xl / sum_l2;
    }
    float this_error = 0;
    for (int i = 0; i < count; ++i) {
      const float difference = this_scale * tried[i] + this_minimum - values[i];
      this_error += weights[i] * Deviation(difference, norm);
    }
    if (this_error < least_error) {
      std::copy_n(tried, count, levels);
      least_error = this_error;
      scale = this_scale;
      minimum = this_minimum;
    }
  }
  return {scale, -minimum};
}

float FitSigned(int count, int most, const float* values, const float* weights,
                std::uint8_t* levels) {
  const float largest = ValueOfLargestMagnitude(count, values);
  if (std::fabs(largest) < kSmallestGroup) {
    std::fill_n(levels, count, std::uint8_t{0});
    return 0;
  }
  float scale = 0, best = 0;
  const auto attempt = [&](float inverse, bool first) {
    float sum_xl = 0, sum_l2 = 0;
    for (int i = 0; i < count; ++i) {
      const auto l = static_cast<float>(NearestLevel(inverse * values[i], -most, most - 1));
      sum_xl += weights[i] * values[i] * l;
      sum_l2 += weights[i] * l * l;
    }
    if (!first && !(sum_l2 > 0 && sum_xl * sum_xl > best * sum_l2)) return false;
    scale = sum_l2 == 0 ? 0 : sum_xl / sum_l2;
    best = scale * sum_xl;
    return true;
  };
  const auto set_levels = [&](float inverse) {
    for (int i = 0; i < count; ++i) {
      levels[i] =
          static_cast<std::uint8_t>(most + NearestLevel(inverse * values[i], -most, most - 1));
    }
  };
  const float inverse = static_cast<float>(-most) / largest;
  attempt(inverse, true);
  set_levels(inverse);
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float other = -(static_cast<float>(most) + 0.1f * static_cast<float>(step)) / largest;
    if (attempt(other, false)) set_levels(other);
  }
  return scale;
}

float FitSignedByDescent(int count, int most, const float* values, std::uint8_t* levels) {
  const float largest = ValueOfLargestMagnitude(count, values);
  if (std::fabs(largest) < kSmallestGroup) {
    std::fill_n(levels, count, std::uint8_t{0});
    return 0;
  }
  const float inverse = static_cast<float>(-most) / largest;
  int level[16];
  float sum_xl = 0, sum_l2 = 0;
  for (int i = 0; i < count; ++i) {
    level[i] = NearestLevel(inverse * values[i], -most, most - 1);
    const float w = values[i] * values[i], l = static_cast<float>(level[i]);
    sum_xl += w * values[i] * l;
    sum_l2 += w * l * l;
  }
  bool changed = true;
  for (int round = 0; round < 5 && changed; ++round) {
    changed = false;
    for (int i = 0; i < count; ++i) {
      const float w = values[i] * values[i], l = static_cast<float>(level[i]);
      float xl = sum_xl - w * values[i] * l;
      if (!(xl > 0)) continue;
      float l2 = sum_l2 - w * l * l;
      const int moved = NearestLevel(values[i] * l2 / xl, -most, most - 1);
      if (moved == level[i]) continue;
      xl += w * values[i] * static_cast<float>(moved);
      l2 += w * static_cast<float>(moved) * static_cast<float>(moved);
      if (l2 > 0 && xl * xl * sum_l2 > sum_xl * sum_xl * l2) {
        level[i] = moved;
        sum_xl = xl;
        sum_l2 = l2;
        changed = true;
      }
    }
  }
  for (int i = 0; i < count; ++i) levels[i] = static_cast<std::uint8_t>(level[i] + most);
  return sum_l2 > 0 ? sum_xl / sum_l2 : 0;
}

float FitPositive(int count, int most, const float* values, const float* weights,
                  std::uint8_t* levels) {
  float maximum = 0;
  for (int i = 0; i < count; ++i) maximum = maximum > values[i] ? maximum : values[i];
  if (maximum < kSmallestGroup) {
    std::fill_n(levels, count, std::uint8_t{0});
    return 0;
  }
  float inverse = static_cast<float>(most) / maximum;
  float least_error = 0;
  for (int i = 0; i < count; ++i) {
    const auto level = static_cast<std::uint8_t>(NearestInt(inverse * values[i]));
    const float difference = values[i] - 1 / inverse * level;
    least_error += weights[i] * difference * difference;
  }
  for (int step = -4; step <= 4; ++step) {
    if (step == 0) continue;
    const float other = (0.1f * static_cast<float>(step) + static_cast<float>(most)) / maximum;
    const float scale = 1 / other;
    float error = 0;
    for (int i = 0; i < count; ++i) {
      const int level = std::min(most, NearestInt(other * values[i]));
      const float difference = values[i] - scale * static_cast<float>(level);
      error += weights[i] * difference * difference;
    }
    if (error < least_error) {
      least_error = error;
      inverse = other;
    }
  }
  // ggml keeps levels in a byte but sums what they were before.
  float sum_xl = 0, sum_l2 = 0;
  for (int i = 0; i < count; ++i) {
    const int level = std::min(most, NearestInt(inverse * values[i]));
    levels[i] = static_cast<std::uint8_t>(level);
    sum_xl += weights[i] * values[i] * static_cast<float>(level);
    sum_l2 += weights[i] * static_cast<float>(level) * static_cast<float>(level);
  }
  bool changed = true;
  for (int round = 0; round < 5 && changed; ++round) {
    changed = false;
    for (int i = 0; i < count; ++i) {
      float xl = sum_xl - weights[i] * values[i] * levels[i];
      float l2 = sum_l2 - weights[i] * levels[i] * levels[i];
      if (!(xl > 0 && l2 > 0)) continue;
      const int moved = std::min(most, NearestInt(values[i] * l2 / xl));
      if (moved == levels[i]) continue;
      xl += weights[i] * values[i] * static_cast<float>(moved);
      l2 += weights[i] * static_cast<float>(moved) * static_cast<float>(moved);
      if (xl * xl * sum_l2 > sum_xl * sum_xl * l2) {
        levels[i] = static_cast<std::uint8_t>(moved);
        sum_xl = xl;
        sum_l2 = l2;
        changed = true;
      }
    }
  }
  return sum_l2 > 0 ? sum_xl / sum_l2 : 0;
}

}  // namespace hallmark
