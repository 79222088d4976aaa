// Numbers taken apart into planes: the first byte of each next to that of the others, then the
// second bytes, and so on. Of trained weights the plane of exponents compresses well and those of
// mantissas hardly at all, so that apart both are dealt with better than together.
#pragma once

#include <span>

#include "src/base/bytes.h"

namespace hallmark {

// Little-endian numbers of planes.size() bytes each: 2, 4 or 8. Each is rotated left by one bit,
// which puts the sign below the mantissa and the exponent at the top; plane 0 then takes its
// highest byte. All planes are of one size and together as large as `numbers`; nothing overlaps.
void SplitNumbers(ByteSpan numbers, std::span<const MutableByteSpan> planes);
// The inverse.
void JoinNumbers(std::span<const ByteSpan> planes, MutableByteSpan numbers);

// inout[i] ^= other[i]; of equal size.
void XorBytes(MutableByteSpan inout, ByteSpan other);

}  // namespace hallmark
