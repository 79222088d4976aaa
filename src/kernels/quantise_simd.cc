#include "src/kernels/quantise_simd.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/kernels/quantise.h"
#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_definition.h"
#include "src/kernels/quantise_fit.h"
#include "src/kernels/quantise_scales.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/quantise_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

#include "src/kernels/quantise_extremes_simd.h"
#include "src/kernels/quantise_fit_simd.h"

// A batch is the blocks of sixteen groups of values that have a scale each. What the vectors do not
// do as ggml does, such as NaNs, is left to the definition, block by block.
HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR  // no vectors at all

bool QuantiseBlocks(Dtype dtype, std::span<const float> values, std::size_t row_length,
                    std::span<const float> importance, MutableByteSpan blocks) {
  return QuantiseByDefinition(dtype, values, row_length, importance, blocks);
}

#else

// How many values of a block share a scale, and their levels.
template <int group, int least, int most>
struct LevelsOf {
  static constexpr int kGroup = group, kLeast = least, kMost = most;
};
LevelsOf<32, -8, 7> Plan(const BlockQ4_0&);
LevelsOf<32, 0, 15> Plan(const BlockQ4_1&);
LevelsOf<32, -16, 15> Plan(const BlockQ5_0&);
LevelsOf<32, 0, 31> Plan(const BlockQ5_1&);
LevelsOf<16, 0, 3> Plan(const BlockQ2_K&);
LevelsOf<16, -4, 3> Plan(const BlockQ3_K&);
LevelsOf<32, 0, 15> Plan(const BlockQ4_K&);
LevelsOf<32, 0, 31> Plan(const BlockQ5_K&);
LevelsOf<16, -32, 31> Plan(const BlockQ6_K&);
LevelsOf<32, 0, 15> Plan(const BlockIq4Nl&);
LevelsOf<32, 0, 15> Plan(const BlockIq4Xs&);

template <typename Block>
using PlanOf = decltype(Plan(std::declval<Block>()));
template <typename Block>
constexpr std::size_t kGroups = kBlockValues<Block> / PlanOf<Block>::kGroup;
template <typename Block>
constexpr std::size_t kBatch = kColumns / kGroups<Block>;
template <typename Block, typename... Others>
constexpr bool kIs = (std::is_same_v<Block, Others> || ...);

template <typename Block>
constexpr bool kHasTable = kIs<Block, BlockIq4Nl, BlockIq4Xs>;  // its levels are kIq4Levels

template <typename Block>
using TableOf = Table<PlanOf<Block>::kGroup>;

// The columns of either side of all blocks of a batch.
template <typename Block>
HWY_INLINE void LoadBatch(const BlockInput (&inputs)[kBatch<Block>], const float* BlockInput::*side,
                          TableOf<Block>& table) {
  const float* groups[kColumns];
  for (std::size_t i = 0; i < kColumns; ++i) {
    groups[i] = inputs[i / kGroups<Block>].*side + i % kGroups<Block> * PlanOf<Block>::kGroup;
  }
  LoadColumns(groups, table);
}

// The weights of errors with importance: `weights` holds the importance at first.
template <typename Block>
HWY_INLINE void WeighByImportance(const BlockInput (&inputs)[kBatch<Block>],
                                  const TableOf<Block>& values, TableOf<Block>& weights) {
  if constexpr (kIs<Block, BlockQ6_K>) return;
  Row mean_squares;
  for (std::size_t i = 0; i < kBatch<Block>; ++i) {
    float mean_square = inputs[i].mean_square;
    constexpr std::size_t kValues = kBlockValues<Block>;
    if constexpr (kHasTable<Block>) {
      mean_square = SumOfSquares(inputs[i].values, kValues) * (2.0f / kValues);
    } else if constexpr (kValues == 256) {
      mean_square = (kIs<Block, BlockQ2_K> ? 1 : 2) * SumOfSquares(inputs[i].values, 256) / 256;
    }
    std::fill_n(mean_squares.column + i * kGroups<Block>, kGroups<Block>, mean_square);
  }
  for (std::size_t column = 0; column < kColumns; column += hn::Lanes(Floats())) {
    const Vec mean_square = At(mean_squares.column, column);
    for (int k = 0; k < PlanOf<Block>::kGroup; ++k) {
      const Vec x = At(values.row[k], column), importance = At(weights.row[k], column);
      const Vec root = hn::Sqrt(hn::Add(mean_square, hn::Mul(x, x)));
      hn::Store(hn::Mul(importance, root), Floats(), weights.row[k] + column);
    }
  }
}

// The weights of errors without importance.
template <typename Block>
HWY_INLINE void Weigh(const TableOf<Block>& values, TableOf<Block>& weights) {
  constexpr int kRows = PlanOf<Block>::kGroup;
  for (std::size_t column = 0; column < kColumns; column += hn::Lanes(Floats())) {
    Vec sum = hn::Zero(Floats());
    if constexpr (kIs<Block, BlockQ4_K, BlockQ5_K>) {
      for (int k = 0; k < kRows; ++k) {
        const Vec x = At(values.row[k], column);
        sum = hn::Add(sum, hn::Mul(x, x));
      }
    }
    const Vec root_mean_square = hn::Sqrt(hn::Div(sum, Constant(kRows)));
    for (int k = 0; k < kRows; ++k) {
      const Vec x = At(values.row[k], column);
      Vec weight = hn::Mul(x, x);
      if constexpr (kIs<Block, BlockQ2_K>) weight = hn::Abs(x);
      if constexpr (kIs<Block, BlockQ4_K, BlockQ5_K>)
        weight = hn::Add(root_mean_square, hn::Abs(x));
      hn::Store(weight, Floats(), weights.row[k] + column);
    }
  }
}

// The scales, and minima, of all groups by trying many.
template <typename Block>
HWY_INLINE void Fit(const TableOf<Block>& values, const TableOf<Block>& weights, bool by_importance,
                    Fits& fits) {
  using Plan = PlanOf<Block>;
  for (std::size_t column = 0; column < kColumns; column += hn::Lanes(Floats())) {
    if constexpr (kHasTable<Block>) {
      FitIq4(values, weights, column, fits);
    } else if constexpr (Plan::kLeast == 0) {
      constexpr const ScaleTries& kTries = kIs<Block, BlockQ2_K>   ? kTriesQ2K
                                           : kIs<Block, BlockQ4_K> ? kTriesQ4K
                                                                   : kTriesQ5K;
      if (kIs<Block, BlockQ2_K> && !by_importance) {
        FitWithMinimum<Norm::kMagnitude>(values, weights, Plan::kMost, kTries, column, fits);
      } else {
        FitWithMinimum<Norm::kSquare>(values, weights, Plan::kMost,
                                      by_importance ? kTriesByImportance : kTries, column, fits);
      }
    } else if (kIs<Block, BlockQ3_K> && !by_importance) {
      FitSignedByDescent(values, -Plan::kLeast, column, fits);
    } else {
      FitSigned(values, weights, -Plan::kLeast, column, fits);
    }
  }
}

// A block of one group.
template <typename Block>
HWY_INLINE void RoundScales(const GroupFits& fits, Block& block, float* scales, float* minima) {
  block.d = ToF16(*fits.scales);
  if constexpr (requires { block.m; }) block.m = ToF16(-*fits.minima);
  *scales = *minima = 0;  // the levels are those of the scales before rounding
}

template <typename Block>
HWY_INLINE void QuantiseByFit(const BlockInput (&inputs)[kBatch<Block>], std::size_t count,
                              Block* blocks) {
  using Plan = PlanOf<Block>;
  TableOf<Block> values, weights;
  Fits fits;
  LoadBatch<Block>(inputs, &BlockInput::values, values);
  const bool by_importance = inputs[0].importance != nullptr;
  if (by_importance) {
    LoadBatch<Block>(inputs, &BlockInput::importance, weights);
    WeighByImportance<Block>(inputs, values, weights);
  } else {
    Weigh<Block>(values, weights);
  }
  Fit<Block>(values, weights, by_importance, fits);

  Row scales, minima;
  for (std::size_t i = 0; i < kBatch<Block>; ++i) {
    const std::size_t at = i * kGroups<Block>;
    Block unused;
    Block& block = i < count ? blocks[i] : unused;
    const GroupFits found = {fits.scale.column + at, fits.minimum.column + at,
                             by_importance ? fits.weight_sum.column + at : nullptr};
    if constexpr (kHasTable<Block>) {
      RoundScales(found, block, scales.column + at);
    } else {
      RoundScales(found, block, scales.column + at, minima.column + at);
    }
  }
  Levels<Plan::kGroup> levels;
  for (std::size_t column = 0; column < kColumns; column += hn::Lanes(Floats())) {
    if constexpr (kHasTable<Block>) {
      SetIq4Levels(values, scales, column, levels);
    } else {
      SetLevels(values, scales, minima, fits, Plan::kLeast, Plan::kMost, column, levels);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * kGroups<Block>;
    bool sound = true;
    for (std::size_t j = at; j < at + kGroups<Block>; ++j) {
      sound = sound && fits.sound[j] && (fits.levels_known[j] || scales.column[j] != 0) &&
              std::isfinite(scales.column[j]);
    }
    if (!sound) {
      DefineBlock(inputs[i], blocks[i]);
    } else if (kIs<Block, BlockQ6_K> && ScalesAreNothing(fits.scale.column + at)) {
      std::memset(blocks + i, 0, sizeof blocks[i]);
    } else {
      PackLevels(levels[at], blocks[i]);
    }
  }
}

// All rows, and where the blocks go.
struct Rows {
  std::span<const float> values;
  std::size_t length;
  std::span<const float> importance;
  std::byte* blocks;
  bool finite = true;  // the scales of the blocks so far
};

struct ByFit {
  Rows& rows;

  template <typename Block>
  void operator()() const {
    constexpr std::size_t kValues = kBlockValues<Block>;
    auto* const blocks = reinterpret_cast<Block*>(rows.blocks);
    const std::size_t count = rows.values.size() / kValues, in_row = rows.length / kValues;
    const bool by_row = kValues == 32 && !kHasTable<Block> && !rows.importance.empty();
    float mean_square = 0;
    for (std::size_t begin = 0; begin < count; begin += kBatch<Block>) {
      const std::size_t size = std::min(kBatch<Block>, count - begin);
      BlockInput inputs[kBatch<Block>];
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t place = (begin + i) % in_row;
        const float* const x = rows.values.data() + (begin + i) * kValues;
        if (by_row && place == 0) mean_square = RowMeanSquare(x, rows.length);
        inputs[i] = {x,
                     rows.importance.empty() ? nullptr : rows.importance.data() + place * kValues,
                     mean_square};
      }
      std::fill(inputs + size, inputs + kBatch<Block>, inputs[0]);
      QuantiseByFit(inputs, size, blocks + begin);
      for (std::size_t i = 0; i < size; ++i) {
        rows.finite = rows.finite && ScalesAreFinite(blocks[begin + i]);
      }
    }
  }
};

struct ByExtremes {
  Rows& rows;

  template <typename Block>
  void operator()() const {
    constexpr std::size_t kValues = kBlockValues<Block>;
    auto* const blocks = reinterpret_cast<Block*>(rows.blocks);
    for (std::size_t i = 0; i < rows.values.size() / kValues; ++i) {
      const float* const x = rows.values.data() + i * kValues;
      if (!QuantiseByExtremes(x, blocks[i])) DefineBlock({x, nullptr, 0}, blocks[i]);
      rows.finite = rows.finite && ScalesAreFinite(blocks[i]);
    }
  }
};

using FittedBlocks = BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ2_K, BlockQ3_K,
                               BlockQ4_K, BlockQ5_K, BlockQ6_K, BlockIq4Nl, BlockIq4Xs>;
using BlocksOfExtremes = BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0,
                                   BlockTq1_0, BlockTq2_0, BlockMxfp4>;

bool QuantiseBlocks(Dtype dtype, std::span<const float> values, std::size_t row_length,
                    std::span<const float> importance, MutableByteSpan blocks) {
  Rows rows = {values, row_length, importance, blocks.data()};
  // Those of both lists are fitted only by importance.
  const bool done = importance.empty() && BlocksOfExtremes::Visit(dtype, ByExtremes{rows});
  HM_CHECK(done || FittedBlocks::Visit(dtype, ByFit{rows}) ||
           BlocksOfExtremes::Visit(dtype, ByExtremes{rows}));
  return rows.finite;
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(QuantiseBlocks);

bool SimdQuantise(Dtype dtype, std::span<const float> values, std::size_t row_length,
                  std::span<const float> importance, MutableByteSpan blocks) {
  return HWY_DYNAMIC_DISPATCH(QuantiseBlocks)(dtype, values, row_length, importance, blocks);
}

}  // namespace hallmark
#endif
