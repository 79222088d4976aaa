// The fast casts behind CastExactly, for whatever vectors the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hallmark {

// `count` is a multiple of kSimdBatch; the pointers are aligned to their elements and do not
// overlap. Whether every element has an exact counterpart; if not, `out` is unspecified.
inline constexpr std::size_t kSimdBatch = 64;
bool SimdF32ToBf16(const std::uint32_t* in, std::uint16_t* out, std::size_t count);
bool SimdF32ToF16(const std::uint32_t* in, std::uint16_t* out, std::size_t count);
bool SimdF16ToBf16(const std::uint16_t* in, std::uint16_t* out, std::size_t count);
bool SimdF16ToF32(const std::uint16_t* in, std::uint32_t* out, std::size_t count);
bool SimdBf16ToF32(const std::uint16_t* in, std::uint32_t* out, std::size_t count);

}  // namespace hallmark
