// The fast rounding casts behind RoundTo, for whatever vectors the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hallmark {

// As RoundingLoss, of one call.
struct SimdLoss {
  std::uint32_t changed = 0;
  std::uint32_t overflowed = 0;
  std::uint32_t vanished = 0;
  float worst = 0;
};

// `count` is a multiple of kRoundBatch and at most 2^20; the pointers are aligned to their elements
// and do not overlap.
inline constexpr std::size_t kRoundBatch = 64;
SimdLoss SimdRoundToBf16(const float* in, std::uint16_t* out, std::size_t count);
SimdLoss SimdRoundToF16(const float* in, std::uint16_t* out, std::size_t count);

}  // namespace hallmark
