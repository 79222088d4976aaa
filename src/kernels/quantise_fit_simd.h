// The searches of quantise_fit.h for sixteen groups of values at once: a group stands in a column,
// one a lane, so that every sum runs in the order of the definition and gives the same bits.
// Included once for each target, by files that include <hwy/highway.h> through foreach_target.
#if defined(HALLMARK_QUANTISE_FIT_SIMD_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HALLMARK_QUANTISE_FIT_SIMD_H_
#undef HALLMARK_QUANTISE_FIT_SIMD_H_
#else
#define HALLMARK_QUANTISE_FIT_SIMD_H_
#endif

#include <hwy/highway.h>

#include <cstring>
#include <limits>

#include "src/kernels/codebooks.h"
#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_fit.h"

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kColumns = 16;
using Floats = hn::CappedTag<float, kColumns>;
using Ints = hn::RebindToSigned<Floats>;
using Vec = hn::Vec<Floats>;
using Mask = hn::Mask<Floats>;

// Row k holds value k of each group.
template <int kRows>
struct Table {
  HWY_ALIGN_MAX float row[kRows][kColumns];
};
struct Row {
  HWY_ALIGN_MAX float column[kColumns];
};

// What was found for each group. The levels of values x are those next to inverse * (x - base), if
// they are known: they are needed only where the scale is rounded to nothing.
struct Fits {
  Row scale, minimum, inverse, base, weight_sum;
  bool levels_known[kColumns];
  // Whether the vectors did what the definition does: no NaN and no infinity, and nothing so large
  // that rounding wraps around.
  bool sound[kColumns];
};

HWY_INLINE Vec Constant(float value) { return hn::Set(Floats(), value); }
HWY_INLINE Vec At(const float* row, std::size_t column) { return hn::Load(Floats(), row + column); }
HWY_INLINE Mask Finite(Vec value) {
  return hn::Lt(hn::Abs(value), Constant(std::numeric_limits<float>::infinity()));
}

// `value` is below kRoundingLimit.
constexpr float kRoundingLimit = 4e6f;
HWY_INLINE Vec NearestLevel(Vec value, Vec least, Vec most) {
  const Vec offset = Constant(kRoundingOffset);
  return hn::Max(least, hn::Min(most, hn::Sub(hn::Add(value, offset), offset)));
}

// NearestInt, for all values.
HWY_INLINE hn::Vec<Ints> NearestInts(Vec value) {
  const Ints ints;
  const auto bits = hn::BitCast(ints, hn::Add(value, Constant(kRoundingOffset)));
  return hn::Sub(hn::And(bits, hn::Set(ints, 0x7fffff)), hn::Set(ints, 0x400000));
}

HWY_INLINE void StoreFlags(Mask mask, bool* flags) {
  Row ones;
  hn::Store(hn::IfThenElseZero(mask, Constant(1)), Floats(), ones.column);
  for (std::size_t i = 0; i < hn::Lanes(Floats()); ++i) flags[i] = ones.column[i] != 0;
}

// Group i, of kRows values, becomes column i.
template <int kRows>
HWY_INLINE void LoadColumns(const float* const (&groups)[kColumns], Table<kRows>& table) {
  const hn::Full128<float> four;
  for (std::size_t column = 0; column < kColumns; column += 4) {
    for (int k = 0; k < kRows; k += 4) {
      const auto a = hn::LoadU(four, groups[column] + k);
      const auto b = hn::LoadU(four, groups[column + 1] + k);
      const auto c = hn::LoadU(four, groups[column + 2] + k);
      const auto d = hn::LoadU(four, groups[column + 3] + k);
      const auto ab01 = hn::InterleaveLower(four, a, b), ab23 = hn::InterleaveUpper(four, a, b);
      const auto cd01 = hn::InterleaveLower(four, c, d), cd23 = hn::InterleaveUpper(four, c, d);
      hn::Store(hn::ConcatLowerLower(four, cd01, ab01), four, table.row[k] + column);
      hn::Store(hn::ConcatUpperUpper(four, cd01, ab01), four, table.row[k + 1] + column);
      hn::Store(hn::ConcatLowerLower(four, cd23, ab23), four, table.row[k + 2] + column);
      hn::Store(hn::ConcatUpperUpper(four, cd23, ab23), four, table.row[k + 3] + column);
    }
  }
}

template <Norm norm>
HWY_INLINE Vec Deviation(Vec difference) {
  return norm == Norm::kMagnitude ? hn::Abs(difference) : hn::Mul(difference, difference);
}

template <Norm norm, int kRows>
HWY_INLINE void FitWithMinimum(const Table<kRows>& values, const Table<kRows>& weights, int most,
                               const ScaleTries& tries, std::size_t column, Fits& fits) {
  const Floats floats;
  const Vec zero = hn::Zero(floats), top = Constant(static_cast<float>(most));
  Vec minimum = At(values.row[0], column), maximum = minimum;
  Vec sum_w = At(weights.row[0], column), sum_x = hn::Mul(sum_w, minimum);
  Mask finite = Finite(minimum);
  for (int k = 1; k < kRows; ++k) {
    const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
    minimum = hn::IfThenElse(hn::Lt(x, minimum), x, minimum);
    maximum = hn::IfThenElse(hn::Gt(x, maximum), x, maximum);
    sum_w = hn::Add(sum_w, w);
    sum_x = hn::Add(sum_x, hn::Mul(w, x));
    finite = hn::And(finite, Finite(x));
  }
  minimum = hn::IfThenElse(hn::Gt(minimum, zero), zero, minimum);
  const Vec lowest = minimum;
  const Mask flat = hn::Eq(maximum, lowest);

  Mask in_range = hn::Eq(zero, zero);
  const auto note_range = [&](Vec inverse) HWY_ATTR {
    const Vec span = hn::Max(hn::Abs(hn::Sub(maximum, minimum)), hn::Abs(hn::Sub(lowest, minimum)));
    in_range = hn::And(in_range, hn::Lt(hn::Mul(hn::Abs(inverse), span), Constant(kRoundingLimit)));
  };
  Vec inverse = hn::Div(top, hn::Sub(maximum, minimum));
  Vec scale = hn::Div(Constant(1), inverse);
  Vec best_inverse = inverse, best_base = minimum, least_error = zero;
  note_range(inverse);
  for (int k = 0; k < kRows; ++k) {
    const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
    const Vec level = NearestLevel(hn::Mul(inverse, hn::Sub(x, minimum)), zero, top);
    const Vec difference = hn::Sub(hn::Add(hn::Mul(scale, level), minimum), x);
    least_error = hn::Add(least_error, hn::Mul(w, Deviation<norm>(difference)));
  }
  for (int step = 0; step <= tries.last; ++step) {
    const float numerator =
        tries.first + tries.step * static_cast<float>(step) + static_cast<float>(most);
    inverse = hn::Div(Constant(numerator), hn::Sub(maximum, minimum));
    note_range(inverse);
    HWY_ALIGN_MAX float levels[kRows][HWY_MAX_BYTES / sizeof(float)];
    Vec sum_l = zero, sum_l2 = zero, sum_xl = zero;
    for (int k = 0; k < kRows; ++k) {
      const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
      const Vec level = NearestLevel(hn::Mul(inverse, hn::Sub(x, minimum)), zero, top);
      hn::Store(level, floats, levels[k]);
      const Vec wl = hn::Mul(w, level);
      sum_l = hn::Add(sum_l, wl);
      sum_l2 = hn::Add(sum_l2, hn::Mul(wl, level));
      sum_xl = hn::Add(sum_xl, hn::Mul(wl, x));
    }
    const Vec determinant = hn::Sub(hn::Mul(sum_w, sum_l2), hn::Mul(sum_l, sum_l));
    Vec this_scale = hn::Div(hn::Sub(hn::Mul(sum_w, sum_xl), hn::Mul(sum_x, sum_l)), determinant);
    Vec this_minimum =
        hn::Div(hn::Sub(hn::Mul(sum_l2, sum_x), hn::Mul(sum_l, sum_xl)), determinant);
    const Mask above = hn::Gt(this_minimum, zero);
    this_minimum = hn::IfThenElse(above, zero, this_minimum);
    this_scale = hn::IfThenElse(above, hn::Div(sum_xl, sum_l2), this_scale);
    Vec error = zero;
    for (int k = 0; k < kRows; ++k) {
      const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
      const Vec level = hn::Load(floats, levels[k]);
      const Vec difference = hn::Sub(hn::Add(hn::Mul(this_scale, level), this_minimum), x);
      error = hn::Add(error, hn::Mul(w, Deviation<norm>(difference)));
    }
    const Mask better = hn::And(hn::Gt(determinant, zero), hn::Lt(error, least_error));
    best_inverse = hn::IfThenElse(better, inverse, best_inverse);
    best_base = hn::IfThenElse(better, minimum, best_base);
    least_error = hn::IfThenElse(better, error, least_error);
    scale = hn::IfThenElse(better, this_scale, scale);
    minimum = hn::IfThenElse(better, this_minimum, minimum);
  }
  const auto put = [&](Vec value, Vec if_flat, Row& row) HWY_ATTR {
    hn::Store(hn::IfThenElse(flat, if_flat, value), floats, row.column + column);
  };
  put(scale, zero, fits.scale);
  put(hn::Neg(minimum), hn::Neg(lowest), fits.minimum);
  put(best_inverse, zero, fits.inverse);
  put(best_base, zero, fits.base);
  hn::Store(sum_w, floats, fits.weight_sum.column + column);
  StoreFlags(hn::And(finite, hn::Or(flat, in_range)), fits.sound + column);
  StoreFlags(hn::Eq(zero, zero), fits.levels_known + column);
}

// Lanes of values and their largest magnitudes.
struct Largest {
  Vec value;
  Vec magnitude;
  Mask finite;  // all values are
};
template <int kRows>
HWY_INLINE Largest ValueOfLargestMagnitude(const Table<kRows>& values, std::size_t column) {
  const Vec zero = hn::Zero(Floats());
  Largest largest = {zero, zero, hn::Eq(zero, zero)};
  for (int k = 0; k < kRows; ++k) {
    const Vec x = At(values.row[k], column), magnitude = hn::Abs(x);
    const Mask larger = hn::Gt(magnitude, largest.magnitude);
    largest.value = hn::IfThenElse(larger, x, largest.value);
    largest.magnitude = hn::IfThenElse(larger, magnitude, largest.magnitude);
    largest.finite = hn::And(largest.finite, Finite(x));
  }
  return largest;
}

// Such that the level of a group that is all zero, against Fits::base, is the least.
constexpr float kFarBase = 1e6f;

HWY_INLINE void StoreSigned(const Largest& largest, Vec scale, Vec inverse, Vec weight_sum,
                            bool levels_known, std::size_t column, Fits& fits) {
  const Floats floats;
  const Mask nothing = hn::Lt(largest.magnitude, Constant(kSmallestGroup));
  hn::Store(hn::IfThenZeroElse(nothing, scale), floats, fits.scale.column + column);
  hn::Store(hn::Zero(floats), floats, fits.minimum.column + column);
  hn::Store(hn::IfThenElse(nothing, Constant(1), inverse), floats, fits.inverse.column + column);
  hn::Store(hn::IfThenElseZero(nothing, Constant(kFarBase)), floats, fits.base.column + column);
  hn::Store(weight_sum, floats, fits.weight_sum.column + column);
  StoreFlags(largest.finite, fits.sound + column);
  StoreFlags(levels_known ? hn::Eq(scale, scale) : nothing, fits.levels_known + column);
}

template <int kRows>
HWY_INLINE void FitSigned(const Table<kRows>& values, const Table<kRows>& weights, int most,
                          std::size_t column, Fits& fits) {
  const Floats floats;
  const Vec zero = hn::Zero(floats);
  const Vec least_level = Constant(static_cast<float>(-most));
  const Vec most_level = Constant(static_cast<float>(most - 1));
  const Largest largest = ValueOfLargestMagnitude(values, column);

  Table<kRows> weighted;
  Vec weight_sum = zero;
  for (int k = 0; k < kRows; ++k) {
    const Vec w = At(weights.row[k], column);
    weight_sum = hn::Add(weight_sum, w);
    hn::Store(hn::Mul(w, At(values.row[k], column)), floats, weighted.row[k]);
  }
  Vec sum_xl = zero, sum_l2 = zero;
  const auto sum = [&](Vec inverse) HWY_ATTR {
    sum_xl = sum_l2 = zero;
    for (int k = 0; k < kRows; ++k) {
      const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
      const Vec level = NearestLevel(hn::Mul(inverse, x), least_level, most_level);
      sum_xl = hn::Add(sum_xl, hn::Mul(hn::Load(floats, weighted.row[k]), level));
      sum_l2 = hn::Add(sum_l2, hn::Mul(hn::Mul(w, level), level));
    }
  };
  Vec best_inverse = hn::Div(least_level, largest.value);
  sum(best_inverse);
  Vec scale = hn::IfThenZeroElse(hn::Eq(sum_l2, zero), hn::Div(sum_xl, sum_l2));
  Vec best = hn::Mul(scale, sum_xl);
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float numerator = -(static_cast<float>(most) + 0.1f * static_cast<float>(step));
    const Vec inverse = hn::Div(Constant(numerator), largest.value);
    sum(inverse);
    const Mask better =
        hn::And(hn::Gt(sum_l2, zero), hn::Gt(hn::Mul(sum_xl, sum_xl), hn::Mul(best, sum_l2)));
    const Vec this_scale = hn::Div(sum_xl, sum_l2);
    scale = hn::IfThenElse(better, this_scale, scale);
    best = hn::IfThenElse(better, hn::Mul(this_scale, sum_xl), best);
    best_inverse = hn::IfThenElse(better, inverse, best_inverse);
  }
  StoreSigned(largest, scale, best_inverse, weight_sum, true, column, fits);
}

template <int kRows>
HWY_INLINE void FitSignedByDescent(const Table<kRows>& values, int most, std::size_t column,
                                   Fits& fits) {
  const Floats floats;
  const Ints ints;
  const Vec zero = hn::Zero(floats);
  const auto least_level = hn::Set(ints, -most), most_level = hn::Set(ints, most - 1);
  const auto nearest_level = [&](Vec value) HWY_ATTR {
    const auto level = hn::Max(least_level, hn::Min(most_level, NearestInts(value)));
    return hn::ConvertTo(floats, level);
  };
  const Largest largest = ValueOfLargestMagnitude(values, column);
  const Vec inverse = hn::Div(Constant(static_cast<float>(-most)), largest.value);
  HWY_ALIGN_MAX float levels[kRows][HWY_MAX_BYTES / sizeof(float)];
  Vec sum_xl = zero, sum_l2 = zero;
  for (int k = 0; k < kRows; ++k) {
    const Vec x = At(values.row[k], column), w = hn::Mul(x, x);
    const Vec level = nearest_level(hn::Mul(inverse, x));
    hn::Store(level, floats, levels[k]);
    sum_xl = hn::Add(sum_xl, hn::Mul(hn::Mul(w, x), level));
    sum_l2 = hn::Add(sum_l2, hn::Mul(hn::Mul(w, level), level));
  }
  // A lane in which nothing changed stays as it is in the rounds that others still need.
  for (int round = 0; round < 5; ++round) {
    Mask changed = hn::Lt(zero, zero);
    for (int k = 0; k < kRows; ++k) {
      const Vec x = At(values.row[k], column), w = hn::Mul(x, x), wx = hn::Mul(w, x);
      const Vec level = hn::Load(floats, levels[k]);
      Vec xl = hn::Sub(sum_xl, hn::Mul(wx, level));
      Vec l2 = hn::Sub(sum_l2, hn::Mul(hn::Mul(w, level), level));
      const Vec moved = nearest_level(hn::Div(hn::Mul(x, l2), xl));
      Mask better = hn::And(hn::Gt(xl, zero), hn::Ne(moved, level));
      xl = hn::Add(xl, hn::Mul(wx, moved));
      l2 = hn::Add(l2, hn::Mul(hn::Mul(w, moved), moved));
      better = hn::And(better, hn::Gt(l2, zero));
      better = hn::And(
          better, hn::Gt(hn::Mul(hn::Mul(xl, xl), sum_l2), hn::Mul(hn::Mul(sum_xl, sum_xl), l2)));
      hn::Store(hn::IfThenElse(better, moved, level), floats, levels[k]);
      sum_xl = hn::IfThenElse(better, xl, sum_xl);
      sum_l2 = hn::IfThenElse(better, l2, sum_l2);
      changed = hn::Or(changed, better);
    }
    if (hn::AllFalse(floats, changed)) break;
  }
  const Vec scale = hn::IfThenElseZero(hn::Gt(sum_l2, zero), hn::Div(sum_xl, sum_l2));
  StoreSigned(largest, scale, inverse, zero, false, column, fits);
}

// The nearest of kIq4Levels, the larger of two: the sum of the steps whose middle is not above.
HWY_INLINE Vec NearestIq4Level(Vec value) {
  Vec level = Constant(kIq4Levels[0]);
  for (int i = 1; i < 16; ++i) {
    const auto below = static_cast<float>(kIq4Levels[i - 1]),
               above = static_cast<float>(kIq4Levels[i]);
    const Mask passed = hn::Ge(value, Constant(0.5f * (below + above)));
    level = hn::Add(level, hn::IfThenElseZero(passed, Constant(above - below)));
  }
  return level;
}
// Its index.
HWY_INLINE hn::Vec<Ints> IndexOfNearestIq4Level(Vec value) {
  const Ints ints;
  auto index = hn::Zero(ints);
  for (int i = 1; i < 16; ++i) {
    const float middle = 0.5f * static_cast<float>(kIq4Levels[i - 1] + kIq4Levels[i]);
    const Mask passed = hn::Ge(value, Constant(middle));
    index = hn::Sub(index, hn::BitCast(ints, hn::VecFromMask(Floats(), passed)));
  }
  return index;
}

HWY_INLINE void FitIq4(const Table<32>& values, const Table<32>& weights, std::size_t column,
                       Fits& fits) {
  const Floats floats;
  const Vec zero = hn::Zero(floats);
  const Largest largest = ValueOfLargestMagnitude(values, column);
  Vec sum_xq = zero, sum_q2 = zero;
  const auto sum = [&](Vec inverse) HWY_ATTR {
    sum_xq = sum_q2 = zero;
    for (int k = 0; k < 32; ++k) {
      const Vec x = At(values.row[k], column), w = At(weights.row[k], column);
      const Vec q = NearestIq4Level(hn::Mul(inverse, x));
      const Vec wq = hn::Mul(w, q);
      sum_xq = hn::Add(sum_xq, hn::Mul(wq, x));
      sum_q2 = hn::Add(sum_q2, hn::Mul(wq, q));
    }
  };
  sum(hn::Div(Constant(1), hn::Div(hn::Neg(largest.value), Constant(kIq4Levels[0]))));
  Vec scale = hn::IfThenElseZero(hn::Gt(sum_q2, zero), hn::Div(sum_xq, sum_q2));
  Vec best = hn::Mul(scale, sum_xq);
  for (int step = -7; step <= 7; ++step) {
    sum(hn::Div(Constant(static_cast<float>(step + kIq4Levels[0])), largest.value));
    const Mask better =
        hn::And(hn::Gt(sum_q2, zero), hn::Gt(hn::Mul(sum_xq, sum_xq), hn::Mul(best, sum_q2)));
    const Vec this_scale = hn::Div(sum_xq, sum_q2);
    scale = hn::IfThenElse(better, this_scale, scale);
    best = hn::IfThenElse(better, hn::Mul(this_scale, sum_xq), best);
  }
  StoreSigned(largest, scale, zero, zero, true, column, fits);
}

// Levels of kRows values for each group, first to last.
template <int kRows>
using Levels = std::uint8_t[kColumns][kRows];

// Four rows of levels become a word a column.
template <int kRows>
HWY_INLINE void StoreLevels(const hn::Vec<Ints> (&levels)[4], int k, std::size_t column,
                            Levels<kRows>& out) {
  const Ints ints;
  const auto low = hn::Or(levels[0], hn::ShiftLeft<8>(levels[1]));
  const auto high = hn::Or(levels[2], hn::ShiftLeft<8>(levels[3]));
  HWY_ALIGN_MAX std::int32_t words[kColumns];
  hn::Store(hn::Or(low, hn::ShiftLeft<16>(high)), ints, words);
  for (std::size_t i = 0; i < hn::Lanes(ints); ++i) {
    std::memcpy(out[column + i] + k, words + i, sizeof words[i]);
  }
}

// The levels of all values for scales and minima that have been rounded.
template <int kRows>
HWY_INLINE void SetLevels(const Table<kRows>& values, const Row& scales, const Row& minima,
                          const Fits& fits, int least, int most, std::size_t column,
                          Levels<kRows>& out) {
  const Ints ints;
  const auto least_level = hn::Set(ints, least), most_level = hn::Set(ints, most);
  const Vec scale = At(scales.column, column), minimum = At(minima.column, column);
  const Vec inverse = At(fits.inverse.column, column), base = At(fits.base.column, column);
  const Mask gone = hn::Eq(scale, hn::Zero(Floats()));
  const bool any_gone = !hn::AllFalse(Floats(), gone);
  for (int k = 0; k < kRows; k += 4) {
    hn::Vec<Ints> levels[4];
    for (int j = 0; j < 4; ++j) {
      const Vec x = At(values.row[k + j], column);
      Vec value = hn::Div(hn::Add(x, minimum), scale);
      if (any_gone) value = hn::IfThenElse(gone, hn::Mul(inverse, hn::Sub(x, base)), value);
      const auto level = hn::Max(least_level, hn::Min(most_level, NearestInts(value)));
      levels[j] = hn::Sub(level, least_level);
    }
    StoreLevels<kRows>(levels, k, column, out);
  }
}

// The same of kIq4Levels.
HWY_INLINE void SetIq4Levels(const Table<32>& values, const Row& inverses, std::size_t column,
                             Levels<32>& out) {
  const Vec inverse = At(inverses.column, column);
  for (int k = 0; k < 32; k += 4) {
    hn::Vec<Ints> levels[4];
    for (int j = 0; j < 4; ++j) {
      levels[j] = IndexOfNearestIq4Level(hn::Mul(inverse, At(values.row[k + j], column)));
    }
    StoreLevels<32>(levels, k, column, out);
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#endif  // HALLMARK_QUANTISE_FIT_SIMD_H_
