// The vector kernels of planes.cc. Each does as many whole vectors as there are and returns how
// many numbers (bytes, for SimdXor) that was.
#pragma once

#include <span>

#include "src/base/bytes.h"

namespace hallmark {

std::size_t SimdSplitPairs(ByteSpan numbers, std::span<const MutableByteSpan> planes);
std::size_t SimdSplitQuads(ByteSpan numbers, std::span<const MutableByteSpan> planes);
std::size_t SimdJoinPairs(std::span<const ByteSpan> planes, MutableByteSpan numbers);
std::size_t SimdJoinQuads(std::span<const ByteSpan> planes, MutableByteSpan numbers);
std::size_t SimdXor(MutableByteSpan inout, ByteSpan other);

}  // namespace hallmark
