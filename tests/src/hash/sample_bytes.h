// Input for digests: byte i is i mod 251, as in the published vectors of BLAKE3 and of the tree.
#pragma once

#include <cstddef>
#include <vector>

namespace hallmark {

inline std::vector<std::byte> SampleBytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

}  // namespace hallmark
