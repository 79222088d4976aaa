// MD5, SHA-1 and SHA-256 as what they have in common: a state of a few 32-bit words, moved forward
// by blocks of 64 bytes, with the length in a padding behind the last. The state can leave one
// implementation and go on in another, so several streams can share a core for as long as there are
// several, and each goes on alone after that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/bytes.h"

namespace hallmark {

enum class BlockFunction : std::uint8_t { kMd5, kSha1, kSha256 };

inline constexpr std::size_t kBlockBytes = 64;

struct BlockState {
  std::array<std::uint32_t, 8> words;  // MD5 uses 4, SHA-1 5
};

// RFC 1321, 3.3; FIPS 180-4, 5.3.1 and 5.3.3.
BlockState InitialState(BlockFunction function);

// What follows the last of `size` bytes: 0x80, zeros, the length in bits. It ends on a block's end.
struct BlockPadding {
  std::array<std::byte, 2 * kBlockBytes> bytes;
  std::size_t size;
};
BlockPadding PaddingAfter(BlockFunction function, std::uint64_t size);

// Writes the digest: 16, 20 or 32 bytes.
std::size_t DigestBytes(BlockFunction function);
void StoreDigest(BlockFunction function, const BlockState& state, std::byte* out);

}  // namespace hallmark
