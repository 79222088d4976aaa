// Values of differing tensors as f32: any stretch, or a sample that stands for a whole matrix.
#pragma once

#include <span>
#include <vector>

#include "src/base/error.h"
#include "src/base/task.h"
#include "verify/diff/explain/differing_tensor.h"

namespace hallmark {

// Whether ReadValues takes the type: all that CanDequantise, f64 and 8-bit floats.
bool CanReadValues(Dtype dtype);

// The values from index `first` on, rounded to f32 where they are f64. The stretch lies within the
// tensor; it may begin and end within blocks.
Result<void> ReadValues(const BlockSource& bytes, Dtype dtype, std::uint64_t first,
                        std::span<float> out);

// A shape as a matrix: all dimensions but the last are rows. A vector is one row.
struct MatrixShape {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t Values() const { return rows * columns; }
};
MatrixShape AsMatrix(const Shape& shape);

// Pairs of values of the rows between the first and the last that differ, evenly spread: at most
// 1024 rows and 1024 columns, the columns in aligned runs of 256 where not all are taken. A pair in
// which either is not finite is 0 in both.
struct ValueSample {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> a, b;  // rows * columns, row after row
};
Result<ValueSample> SampleValues(const DifferingTensor& tensor, const Task& task);
// The bytes that SampleValues reads of both sides together.
std::uint64_t SampleBytes(const DifferingTensor& tensor);

// The energy (sum of squares) that rounding to the coarser of both types adds at most to b - a,
// were it all uniform within half a step; infinite for types whose steps are not known.
double RoundingEnergy(const ValueSample& sample, Dtype dtype_a, Dtype dtype_b);

// Of |x|, 0 where nothing is known: the distance to the next value of the type.
double StepOf(Dtype dtype, double x);

}  // namespace hallmark
