#include "verify/diff/explain/wrong_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/diff/explain/tensor_values.h"

namespace hallmark {
namespace {

constexpr double kSame = 0.99;      // cosine of values that are the same but for rounding
constexpr double kOther = 0.98;     // cosine above which nothing is out of place
constexpr double kMultiple = 4e-6;  // 1 - cosine of a multiple, rounded to bf16 at worst
constexpr std::uint64_t kHeadWidths[] = {32, 64, 80, 96, 112, 128, 256};
constexpr std::uint64_t kRowsLookedAt = 64;
constexpr std::uint64_t kColumnsLookedAt = 256;

struct Likeness {
  double products = 0, squares_a = 0, squares_b = 0;
  void Add(std::span<const float> a, std::span<const float> b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
      products += static_cast<double>(a[i]) * b[i];
      squares_a += static_cast<double>(a[i]) * a[i];
      squares_b += static_cast<double>(b[i]) * b[i];
    }
  }
  double Cosine() const {
    const double sizes = std::sqrt(squares_a) * std::sqrt(squares_b);
    return sizes > 0 ? products / sizes : 0;
  }
};

// 1 - cosine, without the cosine's own rounding; of little use where it is large.
double Off(const ValueComparison& values, double factor) {
  const double left = values.squares_b - factor * values.products;
  return left / (2 * values.squares_b);
}

std::optional<WrongLayout> FindMultiple(const ValueComparison& values, std::uint64_t hidden) {
  if (!(values.squares_a > 0) || !(values.squares_b > 0)) return std::nullopt;
  const double factor = values.products / values.squares_a;
  if (std::fabs(Off(values, factor)) > kMultiple || std::fabs(factor - 1) < 0.004)
    return std::nullopt;
  WrongLayout found{fmt::format("multiplied by {:.6g}", factor), "factor", factor, 1};
  const double root = std::sqrt(static_cast<double>(hidden));
  const auto is = [&](double x) { return std::fabs(factor / x - 1) < 0.002; };
  if (hidden > 0 && is(root)) {
    found.what = fmt::format("multiplied by the square root of the width {}", hidden);
  } else if (hidden > 0 && is(1 / root)) {
    found.what = fmt::format("divided by the square root of the width {}", hidden);
  } else if (is(-1)) {
    found.what = "negated";
  }
  return found;
}

// b = a + constant.
Result<std::optional<WrongLayout>> FindOffset(const DifferingTensor& tensor) {
  const std::uint64_t all = AsMatrix(tensor.shape).Values();
  std::vector<float> a(std::min<std::uint64_t>(all, 4096)), b(a.size());
  if (a.size() < 8) return std::nullopt;
  HM_TRY(ReadValues(*tensor.a, tensor.dtype_a, 0, a));
  HM_TRY(ReadValues(*tensor.b, tensor.dtype_b, 0, b));
  double sum = 0, squares = 0, size_a = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::nullopt;
    const double d = static_cast<double>(b[i]) - a[i];
    sum += d;
    squares += d * d;
    size_a += std::fabs(static_cast<double>(a[i]));
  }
  const double count = static_cast<double>(a.size());
  const double mean = sum / count;
  const double variance = std::max(0.0, squares / count - mean * mean);
  // Rounding may move single values; an offset is worth naming where it is large beside them.
  if (!(std::fabs(mean) > 0.01 * size_a / count) || variance > 4e-4 * mean * mean)
    return std::nullopt;
  // And everywhere, not only in what was read.
  const ValueComparison& whole = *tensor.values;
  const double everywhere = whole.squares_of_difference / static_cast<double>(whole.FinitePairs());
  if (std::fabs(everywhere - mean * mean) > 0.02 * mean * mean) return std::nullopt;
  const bool is_one = std::fabs(std::fabs(mean) - 1) < 0.004;
  return WrongLayout{is_one ? (mean > 0 ? "1 was added" : "1 was taken away")
                            : fmt::format("{:.4g} was added", mean),
                     "offset", is_one ? std::round(mean) : mean, 1};
}

// The rows that are looked at, spread over all of `rows`, in no step that divides a head.
std::vector<std::uint64_t> RowsLookedAt(std::uint64_t rows, std::uint64_t count) {
  std::vector<std::uint64_t> out;
  const std::uint64_t taken = std::min(rows, count);
  for (std::uint64_t i = 0; i < taken; ++i) {
    out.push_back(taken == rows ? i : (i * rows / taken + i * 7) % rows);
  }
  std::ranges::sort(out);
  return out;
}

Result<std::vector<float>> PartOfRow(const BlockSource& bytes, Dtype dtype,
                                     const MatrixShape& shape, std::uint64_t row) {
  std::vector<float> out(std::min(shape.columns, kColumnsLookedAt));
  HM_TRY(ReadValues(bytes, dtype, row * shape.columns, out));
  return out;
}

// Where row `row` of (head, half, i) lies in (head, i, half).
std::uint64_t Interleaved(std::uint64_t row, std::uint64_t width) {
  const std::uint64_t at = row % width;
  return row - at + (at < width / 2 ? 2 * at : 2 * (at - width / 2) + 1);
}
// The inverse.
std::uint64_t Halved(std::uint64_t row, std::uint64_t width) {
  const std::uint64_t at = row % width;
  return row - at + at / 2 + (at % 2) * (width / 2);
}

Result<std::optional<WrongLayout>> FindRotary(const DifferingTensor& tensor,
                                              const MatrixShape& shape, const Task& task) {
  const auto rows = RowsLookedAt(shape.rows, shape.columns == 1 ? 1024 : kRowsLookedAt);
  std::vector<std::vector<float>> ours;
  for (const std::uint64_t row : rows) {
    ours.push_back(HM_TRY(PartOfRow(*tensor.b, tensor.dtype_b, shape, row)));
  }
  std::optional<WrongLayout> best;
  for (const std::uint64_t width : kHeadWidths) {
    if (shape.rows % width != 0) continue;
    for (const bool interleaved : {false, true}) {
      HM_TRY(task.CheckStopped());
      Likeness likeness;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        // Row `row` of b is this row of a.
        const std::uint64_t from =
            interleaved ? Halved(rows[i], width) : Interleaved(rows[i], width);
        likeness.Add(HM_TRY(PartOfRow(*tensor.a, tensor.dtype_a, shape, from)), ours[i]);
        if (i == 7 && likeness.Cosine() < 0.7) break;
      }
      const double cosine = likeness.Cosine();
      if (cosine < kSame || (best && best->cosine >= cosine)) continue;
      best = WrongLayout{fmt::format("rotary pairs of heads {} wide lie {} in B, {} in A", width,
                                     interleaved ? "side by side" : "half a head apart",
                                     interleaved ? "half a head apart" : "side by side"),
                         "head_width", static_cast<double>(width), cosine};
    }
  }
  return best;
}

Result<std::optional<WrongLayout>> FindTransposed(const DifferingTensor& tensor,
                                                  const MatrixShape& shape, const Task& task) {
  if (shape.rows < 8 || shape.columns < 8) return std::nullopt;
  Likeness likeness;
  for (const std::uint64_t row : RowsLookedAt(shape.rows, 24)) {
    HM_TRY(task.CheckStopped());
    for (const std::uint64_t column : RowsLookedAt(shape.columns, 24)) {
      float a = 0, b = 0;
      HM_TRY(ReadValues(*tensor.a, tensor.dtype_a, row * shape.columns + column, {&a, 1}));
      HM_TRY(ReadValues(*tensor.b, tensor.dtype_b, column * shape.rows + row, {&b, 1}));
      likeness.Add({&a, 1}, {&b, 1});
    }
    if (likeness.Cosine() < 0.5) return std::nullopt;
  }
  if (likeness.Cosine() < kSame) return std::nullopt;
  return WrongLayout{"transposed", "", 0, likeness.Cosine()};
}

// Whether a few rows of b are found elsewhere in a.
Result<std::optional<WrongLayout>> FindReordered(const DifferingTensor& tensor,
                                                 const MatrixShape& shape, const Task& task) {
  constexpr std::uint64_t kMostRows = 1 << 18;
  if (shape.rows < 4 || shape.columns < 16 || shape.rows > kMostRows) return std::nullopt;
  const auto rows = RowsLookedAt(shape.rows, 8);
  std::vector<std::vector<float>> ours;
  for (const std::uint64_t row : rows) {
    ours.push_back(HM_TRY(PartOfRow(*tensor.b, tensor.dtype_b, shape, row)));
  }
  std::vector<double> best(rows.size(), -1);
  std::vector<std::uint64_t> from(rows.size(), 0);
  std::vector<float> row(ours.front().size());
  for (std::uint64_t r = 0; r < shape.rows; ++r) {
    if (r % 256 == 0) HM_TRY(task.CheckStopped());
    HM_TRY(ReadValues(*tensor.a, tensor.dtype_a, r * shape.columns, row));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Likeness likeness;
      likeness.Add(row, ours[i]);
      const double cosine = likeness.Cosine();
      if (cosine > best[i]) best[i] = cosine, from[i] = r;
    }
  }
  std::size_t found = 0, moved = 0;
  double cosine = 1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (best[i] < kSame) continue;
    ++found;
    moved += from[i] != rows[i];
    cosine = std::min(cosine, best[i]);
  }
  if (found < rows.size() || moved < (rows.size() + 1) / 2) return std::nullopt;
  return WrongLayout{"rows in another order", "", 0, cosine};
}

// The middle of a tensor and three more stretches: told again wherever it stands.
Result<std::vector<float>> Fingerprint(const BlockSource& bytes, Dtype dtype,
                                       std::uint64_t values) {
  constexpr std::uint64_t kRuns = 4, kRun = 256;
  std::vector<float> out(std::min(values, kRuns * kRun));
  if (out.size() < kRuns * kRun) {
    HM_TRY(ReadValues(bytes, dtype, 0, out));
    return out;
  }
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    HM_TRY(ReadValues(bytes, dtype, i * (values - kRun) / (kRuns - 1),
                      std::span(out).subspan(i * kRun, kRun)));
  }
  return out;
}

}  // namespace

Result<std::optional<WrongLayout>> FindWrongLayout(const DifferingTensor& tensor,
                                                   std::uint64_t hidden, const Task& task) {
  const ValueComparison& values = *tensor.values;
  if (values.not_finite > 0) return std::nullopt;
  if (auto multiple = FindMultiple(values, hidden)) return multiple;
  if (!CanReadValues(tensor.dtype_a) || !CanReadValues(tensor.dtype_b)) return std::nullopt;
  if (auto offset = HM_TRY(FindOffset(tensor))) return offset;
  const double sizes = std::sqrt(values.squares_a) * std::sqrt(values.squares_b);
  if (!(sizes > 0) || values.products > kOther * sizes) return std::nullopt;
  const double ratio = values.squares_b / values.squares_a;
  if (ratio < 0.98 || ratio > 1.02) return std::nullopt;
  MatrixShape shape = AsMatrix(tensor.shape);
  if (shape.rows == 1) shape = {shape.columns, 1};
  if (auto rotary = HM_TRY(FindRotary(tensor, shape, task))) return rotary;
  if (auto transposed = HM_TRY(FindTransposed(tensor, shape, task))) return transposed;
  return FindReordered(tensor, shape, task);
}

Result<std::vector<std::optional<std::size_t>>> FindSwapped(
    std::span<const DifferingTensor* const> tensors, const Task& task) {
  std::vector<std::optional<std::size_t>> out(tensors.size());
  std::vector<std::vector<float>> a, b;
  for (const DifferingTensor* tensor : tensors) {
    HM_TRY(task.CheckStopped());
    const std::uint64_t values = AsMatrix(tensor->shape).Values();
    a.push_back(HM_TRY(Fingerprint(*tensor->a, tensor->dtype_a, values)));
    b.push_back(HM_TRY(Fingerprint(*tensor->b, tensor->dtype_b, values)));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    for (std::size_t j = 0; j < tensors.size(); ++j) {
      // Vectors that are all ones are like any other.
      if (i == j || tensors[i]->shape != tensors[j]->shape || tensors[i]->shape.size() < 2)
        continue;
      Likeness likeness;
      likeness.Add(a[j], b[i]);
      if (likeness.Cosine() > kSame) out[i] = j;
    }
  }
  return out;
}

}  // namespace hallmark
