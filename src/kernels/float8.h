// The values of 8-bit floats.
#pragma once

#include <cstdint>
#include <span>

#include "src/tensor/dtype.h"

namespace hallmark {

// What each of the 256 patterns stands for, or an empty span if `dtype` is no 8-bit float. All are
// exact in f32. Formats: OCP 8-bit Floating Point (e4m3 is the fn variant), OCP Microscaling (e8m0)
// and, for the fnuz variants, "8-bit Numerical Formats for Deep Neural Networks" as torch has them.
std::span<const float> Float8Values(Dtype dtype);

}  // namespace hallmark
