// Tensors seen in another element type. Each view reads through to what it is made of.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "src/kernels/round.h"
#include "weights/views.h"

namespace hallmark {

// Sums up what a cast loses while a tensor is read. Thread-safe; right once every byte of the view
// was read once.
class LossCount {
 public:
  void Add(const RoundingLoss& loss);
  RoundingLoss Total() const;

 private:
  mutable std::mutex mutex_;
  RoundingLoss total_;
};

// Elements of the float family in another type of it: RoundTo. `loss` may be null.
Bytes Rounded(Bytes base, Dtype from, Dtype to, std::shared_ptr<LossCount> loss);

// The same, where nothing may be lost: reading gives kMalformed, without subject, where a value has
// no exact counterpart.
Bytes ExactlyCast(Bytes base, Dtype from, Dtype to);

// Elements of the float family plus 1, in f32 as llama.cpp's converter reckons: values that f32
// cannot tell apart from others are counted as lost.
Bytes PlusOne(Bytes base, Dtype from, std::shared_ptr<LossCount> loss);

// The sums of f32 values, in f32. Both have the same size.
Bytes Sum(Bytes a, Bytes b);

// The f32 values of a type that CanDequantise.
Bytes Dequantised(Bytes base, Dtype from);

// Elements of the float family quantised to a type that CanQuantise, as rows of `row_length`
// values. `importance` has a weight for each column, or, of a stack of matrices, for each column of
// one after the other, then `rows` is that of one matrix; empty: all weigh the same. It must
// outlive the view. A row must fit in memory many times over: see CanQuantiseRows. Reading gives
// kMalformed where a scale would not be finite.
Bytes Quantised(Bytes base, Dtype from, Dtype to, std::uint64_t row_length, std::uint64_t rows,
                std::span<const float> importance);

// kUnsupported, without subject, if rows of this length are too long for Quantised.
Result<void> CanQuantiseRows(std::uint64_t row_length);

}  // namespace hallmark
