#include "src/hash/block_function.h"

namespace hallmark {

BlockState InitialState(BlockFunction function) {
  switch (function) {
    case BlockFunction::kMd5:
      return {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    case BlockFunction::kSha1:
      return {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    case BlockFunction::kSha256:
      return {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
               0x5be0cd19}};
  }
  return {};
}

BlockPadding PaddingAfter(BlockFunction function, std::uint64_t size) {
  const std::size_t open = size % kBlockBytes;
  BlockPadding padding{};
  padding.bytes[0] = std::byte{0x80};
  padding.size = (open < kBlockBytes - 8 ? kBlockBytes : 2 * kBlockBytes) - open;
  std::byte* const length = padding.bytes.data() + padding.size - 8;
  if (function == BlockFunction::kMd5) {
    StoreLittle(length, size * 8);
  } else {
    StoreBig(length, size * 8);
  }
  return padding;
}

std::size_t DigestBytes(BlockFunction function) {
  switch (function) {
    case BlockFunction::kMd5:
      return 16;
    case BlockFunction::kSha1:
      return 20;
    case BlockFunction::kSha256:
      return 32;
  }
  return 0;
}

void StoreDigest(BlockFunction function, const BlockState& state, std::byte* out) {
  for (std::size_t i = 0; i < DigestBytes(function) / 4; ++i) {
    if (function == BlockFunction::kMd5) {
      StoreLittle(out + 4 * i, state.words[i]);
    } else {
      StoreBig(out + 4 * i, state.words[i]);
    }
  }
}

}  // namespace hallmark
