// Tensors seen in another element type. Each view reads through to what it is made of.
#pragma once

#include <memory>
#include <mutex>
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

// Elements of the float family plus 1, in f32 as llama.cpp's converter reckons: values that f32
// cannot tell apart from others are counted as lost.
Bytes PlusOne(Bytes base, Dtype from, std::shared_ptr<LossCount> loss);

// The f32 values of a type that CanDequantise.
Bytes Dequantised(Bytes base, Dtype from);

}  // namespace hallmark
