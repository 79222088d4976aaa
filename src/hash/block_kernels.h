// The implementations of the block functions: of one stream, and of several at once on one core.
#pragma once

#include <span>
#include <string_view>

#include "src/hash/block_function.h"

namespace hallmark {

// Moves states[i] forward by the `blocks` blocks of 64 bytes at data[i], for any number of streams.
using AdvanceBlocks = void (*)(std::span<BlockState> states, const std::byte* const* data,
                               std::size_t blocks);

struct BlockKernel {
  std::string_view name;
  std::size_t streams;  // it works on at once; with fewer, what it could do is lost
  AdvanceBlocks advance;
};

// What this machine can run. The first is OpenSSL's, one stream after another.
std::span<const BlockKernel> BlockKernels(BlockFunction function);

// More streams than this are not worth their buffers.
inline constexpr std::size_t kMostStreams = 16;

// The fastest on this machine for so many streams, up to kMostStreams: measured, once, in a
// fraction of a millisecond, because which one it is differs from processor to processor. All give
// the same.
const BlockKernel& FastestKernel(BlockFunction function, std::size_t streams);

// How many of `streams` that can go on a core is best given at once, if `threads` share the work:
// as measured, what moves most bytes on all cores together; of equals the most streams on the
// fewest cores, which leaves others to read. At most kMostStreams; 1 where several are no faster.
std::size_t StreamsTogether(BlockFunction function, std::size_t streams, std::size_t threads);

}  // namespace hallmark
