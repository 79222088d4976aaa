#include "verify/diff/explain/coarser_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace hallmark {
namespace {

constexpr std::size_t kLeastPairs = 2048;  // for blocks
constexpr std::size_t kLeastRounded = 32;  // for bits
constexpr std::size_t kMostBlocks = 4096;

// Even steps in a block: from the value largest in size, or from the least to the largest value.
struct Grid {
  std::size_t block;
  int steps;
  bool from_least;
  std::string_view as;
};
constexpr std::array kGrids = {
    Grid{32, 127, false, "q8_0"},
    Grid{32, 8, false, "q4_0"},
    Grid{32, 16, false, "q5_0"},
    Grid{32, 15, true, "q4_1"},
    Grid{32, 31, true, "q5_1"},
    Grid{64, 127, false, ""},
    Grid{128, 127, false, ""},
    Grid{256, 127, false, ""},
    Grid{0, 127, false, "int8 by rows"},
    Grid{32, 7, false, ""},
    Grid{64, 7, false, ""},
    Grid{128, 7, false, "int4 by groups"},
    Grid{64, 15, true, ""},
    Grid{128, 15, true, "int4 with offsets by groups"},
};

// Mean distance from the nearest step of values that are few steps long, where no rounding of the
// container blurs them; 0.25 is chance. nullopt: nothing to measure.
std::optional<double> DistanceFrom(const Grid& grid, std::span<const float> block) {
  const auto [least, largest] = std::ranges::minmax(block);
  const double size =
      std::max(std::fabs(static_cast<double>(least)), std::fabs(static_cast<double>(largest)));
  const double step =
      grid.from_least ? (static_cast<double>(largest) - least) / grid.steps : size / grid.steps;
  if (!(step > 0)) return std::nullopt;
  double sum = 0;
  int count = 0;
  for (const float x : block) {
    const double from_zero = std::fabs(x / step);
    if (x == 0 || x == largest || x == least || from_zero > 24) continue;
    const double at = grid.from_least ? (static_cast<double>(x) - least) / step : from_zero;
    sum += std::fabs(at - std::round(at));
    ++count;
  }
  if (count < 4) return std::nullopt;
  return sum / count;
}

bool LiesOn(const Grid& grid, const ValueSample& sample) {
  // A sample of a wide matrix has only part of its rows: their largest value may lie elsewhere.
  if (grid.block > 0 && sample.columns % grid.block != 0) return false;
  const std::size_t size = grid.block == 0 ? sample.columns : grid.block;
  std::size_t looked_at = 0, on = 0, like_a = 0;
  const std::size_t blocks = sample.b.size() / size;
  const std::size_t stride = blocks / kMostBlocks + 1;
  for (std::size_t i = 0; i < blocks; i += stride) {
    const auto distance = DistanceFrom(grid, std::span(sample.b).subspan(i * size, size));
    if (!distance) continue;
    ++looked_at;
    on += *distance < 0.1;
    const auto before = DistanceFrom(grid, std::span(sample.a).subspan(i * size, size));
    like_a += before && *before < 0.1;
  }
  return looked_at >= 16 && on * 10 >= looked_at * 9 && like_a * 2 < looked_at;
}

// Mean number of different values that are not zero in 32 neighbours, beside the number of values.
struct Variety {
  double different = 0;
  double values = 0;
};
Variety VarietyOf(std::span<const float> values, std::size_t columns) {
  Variety out;
  std::size_t blocks = 0;
  std::array<float, 32> block;
  const std::size_t stride = values.size() / 32 / kMostBlocks + 1;
  for (std::size_t i = 0; (i + 1) * 32 <= values.size(); i += stride) {
    if (i * 32 % columns + 32 > columns) continue;  // runs over the end of a row
    std::ranges::copy(values.subspan(i * 32, 32), block.begin());
    const auto end = std::remove(block.begin(), block.end(), 0.0f);
    std::sort(block.begin(), end);
    out.values += static_cast<double>(end - block.begin());
    out.different += static_cast<double>(std::unique(block.begin(), end) - block.begin());
    ++blocks;
  }
  if (blocks > 0)
    out.different /= static_cast<double>(blocks), out.values /= static_cast<double>(blocks);
  return out;
}

// Bits of fraction behind the leading one that all but one in a thousand values need.
int BitsNeeded(std::span<const float> values) {
  std::array<std::uint64_t, 24> needed = {};
  std::uint64_t all = 0;
  for (const float x : values) {
    if (x == 0) continue;
    const std::uint32_t fraction = std::bit_cast<std::uint32_t>(x) & 0x7fffff;
    ++needed[fraction == 0 ? 0 : 23 - static_cast<std::size_t>(std::countr_zero(fraction))];
    ++all;
  }
  std::uint64_t more = 0;
  for (int bits = 23; bits > 0; --bits) {
    more += needed[static_cast<std::size_t>(bits)];
    if (more * 1000 > all) return bits;
  }
  return 0;
}

// Whether b is a rounded to `bits`, the spacing of the smallest values being even.
bool IsRounded(const ValueSample& sample, int bits) {
  double least = INFINITY;
  for (const float x : sample.b) {
    if (x != 0) least = std::min(least, std::fabs(static_cast<double>(x)));
  }
  if (!std::isfinite(least)) return false;
  std::uint64_t within = 0, all = 0;
  for (std::size_t i = 0; i < sample.a.size(); ++i) {
    const double a = sample.a[i], b = sample.b[i];
    if (a == 0 && b == 0) continue;
    ++all;
    const double half =
        b == 0 ? least / 2 : std::max(std::ldexp(0.5, std::ilogb(b) - bits), least / 2);
    within += std::fabs(a - b) <= half * 1.001;
  }
  return all > 0 && within * 200 >= all * 199;
}

}  // namespace

std::optional<std::uint64_t> PrunedValues(const ValueComparison& values) {
  if (values.zeros_b <= values.zeros_a || values.differing == 0) return std::nullopt;
  const std::uint64_t became_zero = values.zeros_b - values.zeros_a;
  // A value of -0 that became +0 differs as well.
  if (became_zero > values.differing) return std::nullopt;
  if ((values.differing - became_zero) * 1000 > values.differing) return std::nullopt;
  return became_zero;
}

PruningPattern PatternOf(const ValueSample& sample) {
  const auto zero = [&](std::size_t i) { return sample.b[i] == 0; };
  std::vector<std::size_t> in_column(sample.columns, 0);
  std::size_t zeros = 0, in_full_rows = 0;
  std::array<std::size_t, 2> groups = {}, with_half = {};
  for (std::size_t r = 0; r < sample.rows; ++r) {
    std::size_t in_row = 0, in_four = 0, in_eight = 0;
    for (std::size_t c = 0; c < sample.columns; ++c) {
      const bool is_zero = zero(r * sample.columns + c);
      in_row += is_zero, in_four += is_zero, in_eight += is_zero, in_column[c] += is_zero;
      if (c % 4 == 3) ++groups[0], with_half[0] += in_four == 2, in_four = 0;
      if (c % 8 == 7) ++groups[1], with_half[1] += in_eight == 4, in_eight = 0;
    }
    zeros += in_row;
    if (in_row == sample.columns) in_full_rows += in_row;
  }
  std::size_t in_full_columns = 0;
  for (const std::size_t in : in_column) in_full_columns += in == sample.rows ? in : 0;
  if (zeros > 0 && in_full_rows * 10 >= zeros * 9) return PruningPattern::kRows;
  if (zeros > 0 && in_full_columns * 10 >= zeros * 9) return PruningPattern::kColumns;
  if (groups[0] >= 64 && with_half[0] * 20 >= groups[0] * 19) return PruningPattern::kTwoOfFour;
  if (groups[1] >= 64 && with_half[1] * 20 >= groups[1] * 19) return PruningPattern::kFourOfEight;
  return PruningPattern::kScattered;
}

std::optional<Quantised> FindQuantised(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b) {
  if (InfoOf(dtype_b).is_block_quantised && !InfoOf(dtype_a).is_block_quantised) {
    return Quantised{fmt::format("stored as {}", DtypeName(dtype_b)),
                     static_cast<double>(InfoOf(dtype_b).block_values), 0, 0, dtype_b};
  }
  if (sample.b.size() < kLeastRounded) return std::nullopt;
  const int bits_a = BitsNeeded(sample.a), bits_b = BitsNeeded(sample.b);
  if (bits_b < bits_a && IsRounded(sample, bits_b)) {
    Quantised found{fmt::format("rounded to {} bits of fraction", bits_b)};
    if (bits_b == 7) found.what += ", as bf16 has";
    if (bits_b == 10) found.what += ", as f16 has";
    if (bits_b == 3) found.what += ", as f8_e4m3 has";
    if (bits_b == 2) found.what += ", as f8_e5m2 has";
    found.bits = bits_b;
    return found;
  }
  if (sample.b.size() < kLeastPairs) return std::nullopt;
  for (const Grid& grid : kGrids) {
    if (!LiesOn(grid, sample)) continue;
    const double levels = grid.from_least ? grid.steps + 1 : 2 * grid.steps + 1;
    Quantised found{fmt::format("{} of values in {} even steps",
                                grid.block == 0 ? "rows" : fmt::format("blocks of {}", grid.block),
                                grid.from_least ? grid.steps : 2 * grid.steps),
                    static_cast<double>(grid.block), levels};
    if (!grid.as.empty()) found.what += fmt::format(", as {} has", grid.as);
    return found;
  }
  const Variety a = VarietyOf(sample.a, sample.columns), b = VarietyOf(sample.b, sample.columns);
  if (a.values > 8 && b.values > 8 && b.different / b.values < 0.85 * a.different / a.values) {
    return Quantised{fmt::format("only {:.0f} different values in {:.0f} neighbours, {:.0f} in A",
                                 b.different, b.values, a.different),
                     32, b.different};
  }
  return std::nullopt;
}

}  // namespace hallmark
