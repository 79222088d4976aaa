// Numbers that a big-endian machine wrote, turned round.
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

enum class ByteOrder : std::uint8_t { kLittle, kBig };

// Reverses every `unit` bytes. A rest that is no whole unit stays as it is.
void SwapEach(MutableByteSpan bytes, std::size_t unit);

// Whether it is settled which bytes of a stored element or block of this type are numbers of more
// than one byte. It is not for packings below a byte, which are no numbers of bytes, and for
// IQ2_XXS, which ggml writes as numbers of four bytes and reads byte by byte.
bool HasByteOrder(Dtype dtype);

// Whether swapping changes anything: false for i8, or for blocks of single bytes.
bool HoldsWideNumbers(Dtype dtype);

// Reverses the bytes of every number in `bytes`, which are whole elements or blocks of `dtype`, for
// which HasByteOrder holds.
void SwapByteOrder(Dtype dtype, MutableByteSpan bytes);

}  // namespace hallmark
