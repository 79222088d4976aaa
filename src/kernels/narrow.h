// Exact casts between f64, f32, f16 and bf16: a value keeps every bit or the cast is refused.
// docs/identity.md, 1.6.
#pragma once

#include <cstdint>
#include <optional>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// The scalar definition. Bit patterns are in the low bits; `from` and `to` are of the float family.
// Widening is exact; the sign and payload of a NaN widen by shifting the fraction left, and nothing
// is quieted.
std::uint64_t WidenBits(Dtype from, std::uint64_t bits);
// The pattern in `to` that widens to exactly these f64 bits; nullopt if there is none.
std::optional<std::uint64_t> NarrowBits(Dtype to, std::uint64_t f64_bits);

// Casts all of `in` (little-endian elements of type `from`) to `to`. Returns whether every element
// has an exact counterpart; if not, `out` is unspecified. Equal types copy.
// `in` is whole elements; `out` has as many of type `to`; they do not overlap.
bool CastExactly(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out);

}  // namespace hallmark
