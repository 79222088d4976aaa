#include "verify/diff/explain/tensor_values.h"

#include <algorithm>
#include <cmath>

#include "src/kernels/dequantise.h"
#include "src/kernels/float8.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMostRows = 1024;
constexpr std::uint64_t kMostColumns = 1024;
constexpr std::uint64_t kColumnRun = 256;          // whole blocks of every block type
constexpr std::uint64_t kWidestRowRead = 1 << 15;  // of wider ones only the runs are read
constexpr std::uint64_t kRuns = kMostColumns / kColumnRun;

// The rows of which a sample is taken.
struct RowRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t taken = 0;
};

RowRange RowsOf(const DifferingTensor& tensor, const MatrixShape& shape) {
  RowRange range{0, shape.rows, 0};
  if (shape.columns > 0 && tensor.values->differing > 0) {
    range.first = std::min(tensor.values->first_differing / shape.columns, shape.rows - 1);
    const std::uint64_t last =
        std::min(tensor.values->last_differing / shape.columns, shape.rows - 1);
    range.count = last < range.first ? 1 : last - range.first + 1;
  }
  range.taken = std::min(range.count, kMostRows);
  return range;
}

std::uint64_t BytesOfValues(Dtype dtype, std::uint64_t values) {
  const DtypeInfo& info = InfoOf(dtype);
  return (values / info.block_values + 1) * info.block_bytes;
}

// Where run `run` of the columns that a sample has begins in a row of `columns`.
std::uint64_t RunStart(std::uint64_t run, std::uint64_t columns) {
  return run * (columns / kColumnRun - 1) / (kRuns - 1) * kColumnRun;
}

// The sample's part of the row that begins at value `from`. `row` is scratch.
Result<void> ReadRow(const BlockSource& bytes, Dtype dtype, std::uint64_t from,
                     std::uint64_t columns, std::span<float> out, std::vector<float>* row) {
  if (columns == out.size()) return ReadValues(bytes, dtype, from, out);
  if (columns > kWidestRowRead) {
    for (std::uint64_t run = 0; run < kRuns; ++run) {
      HM_TRY(ReadValues(bytes, dtype, from + RunStart(run, columns),
                        out.subspan(run * kColumnRun, kColumnRun)));
    }
    return {};
  }
  row->resize(columns);
  HM_TRY(ReadValues(bytes, dtype, from, *row));
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    std::ranges::copy(std::span(*row).subspan(RunStart(run, columns), kColumnRun),
                      out.begin() + static_cast<std::ptrdiff_t>(run * kColumnRun));
  }
  return {};
}

}  // namespace

bool CanReadValues(Dtype dtype) {
  return dtype == Dtype::kF64 || CanDequantise(dtype) || !Float8Values(dtype).empty();
}

Result<void> ReadValues(const BlockSource& bytes, Dtype dtype, std::uint64_t first,
                        std::span<float> out) {
  HM_CHECK(CanReadValues(dtype));
  if (out.empty()) return {};
  const DtypeInfo& info = InfoOf(dtype);
  const std::uint64_t block = first / info.block_values;
  const std::uint64_t end = (first + out.size() + info.block_values - 1) / info.block_values;
  std::vector<std::byte> raw((end - block) * info.block_bytes);
  HM_TRY(bytes.Read(block * info.block_bytes, raw));
  if (dtype == Dtype::kF64) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(std::bit_cast<double>(LoadLittle<std::uint64_t>(&raw[i * 8])));
    }
    return {};
  }
  if (const auto values = Float8Values(dtype); !values.empty()) {
    std::ranges::transform(raw, out.begin(),
                           [&](std::byte x) { return values[std::to_integer<std::size_t>(x)]; });
    return {};
  }
  const std::uint64_t skipped = first - block * info.block_values;
  if (skipped == 0 && out.size() % info.block_values == 0) {
    Dequantise(dtype, raw, out);
    return {};
  }
  std::vector<float> values((end - block) * info.block_values);
  Dequantise(dtype, raw, values);
  std::ranges::copy(std::span(values).subspan(skipped, out.size()), out.begin());
  return {};
}

MatrixShape AsMatrix(const Shape& shape) {
  if (shape.empty()) return {1, 1};
  MatrixShape matrix{1, shape.back()};
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) matrix.rows *= shape[i];
  return matrix;
}

Result<ValueSample> SampleValues(const DifferingTensor& tensor, const Task& task) {
  const MatrixShape shape = AsMatrix(tensor.shape);
  ValueSample sample;
  if (shape.Values() == 0) return sample;
  const bool is_vector = shape.rows == 1;
  // Of one long row no more than what a matrix would have.
  const std::uint64_t columns =
      is_vector ? std::min(shape.columns, kMostRows * kMostColumns) : shape.columns;
  const RowRange rows = is_vector ? RowRange{0, 1, 1} : RowsOf(tensor, shape);
  sample.rows = rows.taken;
  sample.columns = is_vector ? columns : std::min(columns, kMostColumns);
  sample.a.resize(sample.rows * sample.columns);
  sample.b.resize(sample.a.size());
  std::vector<float> row;
  for (std::uint64_t i = 0; i < rows.taken; ++i) {
    HM_TRY(task.CheckStopped());
    const std::uint64_t from = (rows.first + i * rows.count / rows.taken) * shape.columns;
    HM_TRY(ReadRow(*tensor.a, tensor.dtype_a, from, columns,
                   std::span(sample.a).subspan(i * sample.columns, sample.columns), &row));
    HM_TRY(ReadRow(*tensor.b, tensor.dtype_b, from, columns,
                   std::span(sample.b).subspan(i * sample.columns, sample.columns), &row));
  }
  for (std::size_t i = 0; i < sample.a.size(); ++i) {
    if (!std::isfinite(sample.a[i]) || !std::isfinite(sample.b[i])) {
      sample.a[i] = sample.b[i] = 0;
    }
  }
  return sample;
}

std::uint64_t SampleBytes(const DifferingTensor& tensor) {
  const MatrixShape shape = AsMatrix(tensor.shape);
  if (shape.Values() == 0) return 0;
  const std::uint64_t columns = shape.columns > kWidestRowRead ? kMostColumns : shape.columns;
  const std::uint64_t values = shape.rows == 1 ? std::min(shape.columns, kMostRows * kMostColumns)
                                               : RowsOf(tensor, shape).taken * columns;
  return BytesOfValues(tensor.dtype_a, values) + BytesOfValues(tensor.dtype_b, values);
}

double RoundingEnergy(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b) {
  if (!IsFloatFamily(dtype_a) || !IsFloatFamily(dtype_b)) return INFINITY;
  double energy = 0;
  for (const float b : sample.b) {
    const double step = std::max(StepOf(dtype_a, b), StepOf(dtype_b, b));
    energy += step * step / 12;
  }
  return energy;
}

double StepOf(Dtype dtype, double x) {
  int bits = 0, least = 0;
  switch (dtype) {
    case Dtype::kBf16:
      bits = 7, least = -133;
      break;
    case Dtype::kF16:
      bits = 10, least = -24;
      break;
    case Dtype::kF32:
    case Dtype::kF64:
      bits = 23, least = -149;
      break;
    default:
      return 0;
  }
  if (x == 0) return std::ldexp(1.0, least);
  return std::ldexp(1.0, std::max(std::ilogb(x) - bits, least));
}

}  // namespace hallmark
