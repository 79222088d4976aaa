#include "src/kernels/block_rounding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "src/base/error.h"
#include "src/kernels/blocks.h"
#include "src/kernels/codebooks.h"
#include "src/kernels/dequantise.h"
#include "src/kernels/quantise.h"
#include "src/kernels/quantise_arithmetic.h"

namespace hallmark {
namespace {

// The values a group of a block can stand for: base + step * level.
struct Grid {
  double step = 0;
  double base = 0;
  // Levels, ascending; empty: all whole numbers from `least` to `most`.
  std::span<const double> levels = {};
  double least = 0, most = 0;
  // How far from the middle between two levels, in steps, a value may be taken for the farther one:
  // for every step its level is from 0, and in any case.
  double slack_per_level = 0;
  double slack = 1e-3;
  // How far a value may be from the base where the step became 0.
  double reach_of_zero = 0;
};

// Half the distance between f16 values at `value`, relative to it.
double HalfUlpOf(double value) {
  const double magnitude = std::max(std::abs(value), 0x1p-14);
  const double ulp = std::ldexp(1.0, std::ilogb(magnitude) - 10);
  return ulp / 2;
}

// What a scale may have lost by being rounded to f16.
double SlackOf(double d) { return d != 0 ? 1.01 * HalfUlpOf(d) / std::abs(d) : 0; }

double ValueOf(F16 half) { return static_cast<double>(FromF16(half)); }

// The least f16 that is not 0, halved: scales below it become 0.
constexpr double kVanishing = 0x1p-25;

// Levels chosen before their scale was what is stored: rounded to f16, and, with an importance
// matrix, fitted to them once more.
Grid ScaledAfterwards(double d, double least, double most, bool fitted) {
  Grid grid;
  grid.step = d;
  grid.least = least;
  grid.most = most;
  grid.slack_per_level = SlackOf(d);
  if (fitted) {
    grid.slack += 0.3;
    grid.slack_per_level += 0.4 / std::max(-least, most);
  }
  grid.reach_of_zero = std::max(-least, most) * kVanishing;
  return grid;
}

Grid WithMinimum(double d, double m, double most) {
  Grid grid = ScaledAfterwards(d, 0, most, true);
  grid.base = m;
  if (d != 0) grid.slack += HalfUlpOf(m) / std::abs(d);
  grid.reach_of_zero += HalfUlpOf(m);
  return grid;
}

// Levels chosen by the scale that is stored: `scale` of at most `largest_scale` steps of `d`.
// Where it is 0, values may reach as far as what became 0 would have taken them.
Grid AsStored(double d, double scale, double largest_scale, double base, double least,
              double most) {
  Grid grid;
  grid.step = d * scale;
  grid.base = base;
  grid.least = least;
  grid.most = most;
  grid.reach_of_zero = std::max(-least, most) * (d == 0 ? largest_scale * kVanishing : std::abs(d));
  return grid;
}

// What the rounding of a minimum, of at most `largest` steps of `dmin`, may have moved.
double ReachOfMinimum(F16 dmin, double largest) {
  const double d = ValueOf(dmin);
  return d == 0 ? largest * kVanishing : 0.6 * std::abs(d);
}

Grid WithLevels(double step, std::span<const double> levels, double slack_per_level, double reach) {
  Grid grid;
  grid.step = step;
  grid.levels = levels;
  grid.slack_per_level = slack_per_level;
  grid.reach_of_zero = reach;
  return grid;
}

std::span<const double> Iq4Levels() {
  static const std::vector<double> levels(kIq4Levels.begin(), kIq4Levels.end());
  return levels;
}
std::span<const double> Fp4Levels() {
  static const std::vector<double> levels = [] {
    std::vector<double> sorted(kFp4Levels.begin(), kFp4Levels.end());
    std::ranges::sort(sorted);
    sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
    return sorted;
  }();
  return levels;
}
std::span<const double> Trits() {
  static const std::array<double, 3> levels = {-1, 0, 1};
  return levels;
}

// How many values share a grid, and the grid of each group.
template <typename Block>
inline constexpr int kGroup = 32;
template <>
inline constexpr int kGroup<BlockQ2_K> = 16;
template <>
inline constexpr int kGroup<BlockQ3_K> = 16;
template <>
inline constexpr int kGroup<BlockQ6_K> = 16;
template <>
inline constexpr int kGroup<BlockTq1_0> = 256;
template <>
inline constexpr int kGroup<BlockTq2_0> = 256;

Grid GridOf(const BlockQ4_0& block, int) { return ScaledAfterwards(ValueOf(block.d), -8, 7, true); }
Grid GridOf(const BlockQ5_0& block, int) {
  return ScaledAfterwards(ValueOf(block.d), -16, 15, true);
}
Grid GridOf(const BlockQ8_0& block, int) {
  return ScaledAfterwards(ValueOf(block.d), -128, 127, false);
}
Grid GridOf(const BlockQ4_1& block, int) {
  return WithMinimum(ValueOf(block.d), ValueOf(block.m), 15);
}
Grid GridOf(const BlockQ5_1& block, int) {
  return WithMinimum(ValueOf(block.d), ValueOf(block.m), 31);
}
Grid GridOf(const BlockQ2_K& block, int group) {
  const std::uint8_t packed = block.scales[group];
  const double base = -ValueOf(block.dmin) * (packed >> 4);
  Grid grid = AsStored(ValueOf(block.d), packed & 15, 15, base, 0, 3);
  grid.reach_of_zero += ReachOfMinimum(block.dmin, 15);
  return grid;
}
Grid GridOf(const BlockQ3_K& block, int group) {
  return AsStored(ValueOf(block.d), UnpackScalesQ3(block.scales).scale[group], 32, 0, -4, 3);
}
template <typename Block>
Grid GridOfQ4Or5(const Block& block, int group, double most) {
  const ScalesQ4 scales = UnpackScalesQ4(block.scales);
  const double base = -ValueOf(block.dmin) * scales.minimum[group];
  Grid grid = AsStored(ValueOf(block.d), scales.scale[group], 63, base, 0, most);
  grid.reach_of_zero += ReachOfMinimum(block.dmin, 63);
  return grid;
}
Grid GridOf(const BlockQ4_K& block, int group) { return GridOfQ4Or5(block, group, 15); }
Grid GridOf(const BlockQ5_K& block, int group) { return GridOfQ4Or5(block, group, 31); }
Grid GridOf(const BlockQ6_K& block, int group) {
  return AsStored(ValueOf(block.d), block.scales[group], 128, 0, -32, 31);
}
Grid GridOf(const BlockIq4Nl& block, int) {
  const double d = ValueOf(block.d);
  return WithLevels(d, Iq4Levels(), SlackOf(d), 127 * kVanishing);
}
Grid GridOf(const BlockIq4Xs& block, int group) {
  const double d = ValueOf(block.d);
  return WithLevels(d * ScaleIq4Xs(block, group), Iq4Levels(), SlackOf(d),
                    127 * (d == 0 ? 32 * kVanishing : std::abs(d)));
}
template <typename Block>
Grid GridOfTrits(const Block& block) {
  const double d = ValueOf(block.d);
  return WithLevels(d, Trits(), SlackOf(d), kVanishing);
}
Grid GridOf(const BlockTq1_0& block, int) { return GridOfTrits(block); }
Grid GridOf(const BlockTq2_0& block, int) { return GridOfTrits(block); }
Grid GridOf(const BlockMxfp4& block, int) {
  return WithLevels(std::ldexp(1.0, block.e - 128), Fp4Levels(), 0, 0);
}

// What the steps of scales may add to an error in any group, as a part of the block's largest
// value.
template <typename Block>
inline constexpr double kOfBlock = 0;
template <>
inline constexpr double kOfBlock<BlockQ2_K> = 0.12;
template <>
inline constexpr double kOfBlock<BlockQ3_K> = 0.03;
template <>
inline constexpr double kOfBlock<BlockQ4_K> = 0.03;
template <>
inline constexpr double kOfBlock<BlockQ5_K> = 0.03;
template <>
inline constexpr double kOfBlock<BlockQ6_K> = 0.01;
template <>
inline constexpr double kOfBlock<BlockIq4Xs> = 0.03;

// What scales too small for f16 may add: they became 0, or the least number there is.
template <typename Block>
double ReachOfVanished(const Block& block) {
  if constexpr (requires { block.d.bits; }) {
    if (std::abs(ValueOf(block.d)) >= 0x1p-14) return 0;
    return 4096 * kVanishing;  // of the most levels and scales that a type has, those of Q6_K
  } else {
    return 0;
  }
}

using CheckedBlocks = BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, BlockQ2_K,
                                BlockQ3_K, BlockQ4_K, BlockQ5_K, BlockQ6_K, BlockIq4Nl, BlockIq4Xs,
                                BlockTq1_0, BlockTq2_0, BlockMxfp4>;

// Around a place between levels, in steps.
struct Neighbours {
  double to_nearest;  // distance
  double gap;         // between the levels on both sides; beyond the ends, of the last two
};
Neighbours NeighboursOf(const Grid& grid, double at) {
  if (grid.levels.empty()) {
    return {std::abs(at - std::clamp(std::nearbyint(at), grid.least, grid.most)), 1};
  }
  const auto last = grid.levels.end() - 1;
  const auto above =
      std::clamp(std::ranges::lower_bound(grid.levels, at), grid.levels.begin() + 1, last);
  const auto below = above - 1;
  return {std::min(std::abs(*above - at), std::abs(at - *below)), *above - *below};
}

// Whether `value` may have been rounded to `level_value`, on the grid; the rest goes to `so_far`.
bool Check(const Grid& grid, double value, double level_value, BlockRounding* so_far) {
  if (!std::isfinite(value)) return false;
  if (grid.step == 0) {
    const double off = std::abs(value - grid.base);
    if (grid.reach_of_zero > 0) {
      so_far->worst_steps = std::max(so_far->worst_steps, off / grid.reach_of_zero);
    }
    return off <= 1.01 * grid.reach_of_zero;
  }
  const double at = (value - grid.base) / grid.step;
  const double level = (level_value - grid.base) / grid.step;
  const double first = grid.levels.empty() ? grid.least : grid.levels.front();
  const double last = grid.levels.empty() ? grid.most : grid.levels.back();
  const double distance = std::abs(at - level);
  const double slack = grid.slack + grid.slack_per_level * std::max(std::abs(at), std::abs(level));
  const Neighbours around = NeighboursOf(grid, at);
  const double steps = (std::clamp(at, first, last) - level) / around.gap;
  so_far->worst_steps = std::max(so_far->worst_steps, std::abs(steps));
  if (at > first && at < last) {
    ++so_far->values;
    so_far->sum_of_steps += grid.step > 0 ? steps : -steps;
  }
  return distance - around.to_nearest <= 2 * slack;
}

template <typename Block>
void CheckBlock(const Block& block, const float* values, BlockRounding* so_far) {
  float levels[kBlockValues<Block>];
  Dequantise(Block::kDtype, std::as_bytes(std::span(&block, 1)), levels);
  constexpr int kValues = static_cast<int>(kBlockValues<Block>);
  ++so_far->blocks;
  const auto is_finite = [](float level) { return std::isfinite(level); };
  if (!std::ranges::all_of(levels, is_finite)) return;
  const auto largest = [&](int first, int count) {
    double magnitude = 0;
    for (int i = first; i < first + count; ++i) {
      magnitude = std::max(magnitude, std::abs(static_cast<double>(values[i])));
    }
    return magnitude;
  };
  const double of_block = largest(0, kValues);
  bool within = true;
  for (int group = 0; group < kValues / kGroup<Block>; ++group) {
    const Grid grid = GridOf(block, group);
    const int first = group * kGroup<Block>;
    // Where a group's scale is one of a few steps of the block's, the block decides too.
    const double most_off =
        1.02 * largest(first, kGroup<Block>) + kOfBlock<Block> * of_block + ReachOfVanished(block);
    for (int i = first; i < first + kGroup<Block>; ++i) {
      const auto value = static_cast<double>(values[i]), level = static_cast<double>(levels[i]);
      within &= Check(grid, value, level, so_far) && std::abs(value - level) <= most_off;
    }
  }
  so_far->within += within;
}

}  // namespace

void BlockRounding::Append(const BlockRounding& more) {
  blocks += more.blocks;
  within += more.within;
  worst_steps = std::max(worst_steps, more.worst_steps);
  values += more.values;
  sum_of_steps += more.sum_of_steps;
}

bool CanCheckRounding(Dtype dtype) {
  return CheckedBlocks::Visit(dtype, []<typename Block>() {});
}

double LargestHonestNorm(Dtype dtype) {
  switch (dtype) {
    case Dtype::kQ8_0:
      return 0.05;
    case Dtype::kQ6_K:
      return 0.15;
    case Dtype::kQ5_0:
    case Dtype::kQ5_1:
    case Dtype::kQ5_K:
      return 0.3;
    case Dtype::kQ3_K:
      return 0.5;
    case Dtype::kQ2_K:
      return 0.7;
    case Dtype::kTq1_0:
    case Dtype::kTq2_0:
      return 0.97;
    default:  // 4 bits
      return 0.4;
  }
}

void CheckRounding(Dtype dtype, ByteSpan blocks, std::span<const float> values,
                   BlockRounding* so_far) {
  const bool known = CheckedBlocks::Visit(dtype, [&]<typename Block>() {
    HM_CHECK(blocks.size() % sizeof(Block) == 0);
    HM_CHECK(values.size() == blocks.size() / sizeof(Block) * kBlockValues<Block>);
    for (std::size_t i = 0; i < blocks.size() / sizeof(Block); ++i) {
      Block block;
      std::memcpy(&block, blocks.data() + i * sizeof(Block), sizeof(Block));
      CheckBlock(block, values.data() + i * kBlockValues<Block>, so_far);
    }
  });
  HM_CHECK(known);
}

}  // namespace hallmark
