// SHA-256 of up to three streams interleaved, with the x86 SHA instructions.
#pragma once

#include "src/hash/block_kernels.h"

namespace hallmark {

inline constexpr std::size_t kShaNiStreams = 3;

#if defined(__x86_64__)
// As AdvanceBlocks; for processors with SHA and SSE4.1, and with SHA and AVX-512VL.
void AdvanceSha256ShaNi(std::span<BlockState> states, const std::byte* const* data,
                        std::size_t blocks);
void AdvanceSha256ShaNiAvx512(std::span<BlockState> states, const std::byte* const* data,
                              std::size_t blocks);
#endif

}  // namespace hallmark
