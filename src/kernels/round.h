// Rounding casts between f64, f32, f16 and bf16: to the nearest value, ties to even, as IEEE 754
// and every framework do.
#pragma once

#include <cstdint>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// What a cast did to the values it was given.
struct RoundingLoss {
  std::uint64_t changed = 0;     // values that are not what they were; the following among them
  std::uint64_t overflowed = 0;  // finite values that became infinite
  std::uint64_t vanished = 0;    // values that became zero
  double worst = 0;              // the largest |after - before| among those that stayed finite

  void Add(const RoundingLoss& other);
};

// The scalar definition: the pattern in `to` (float family) nearest to the f64 of these bits. What
// is too large becomes infinite; subnormals are kept. A NaN stays one: its sign and the upper bits
// of its payload, quieted.
std::uint64_t RoundBits(Dtype to, std::uint64_t f64_bits);

// Casts all of `in` (little-endian elements of type `from`) to `to`, both of the float family, and
// tells what was lost. `in` is whole elements; `out` has as many of type `to`; they do not overlap.
// Exact casts give the bits that CastExactly gives. NaNs never count as changed.
RoundingLoss RoundTo(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out);

}  // namespace hallmark
