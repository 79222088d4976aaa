// Merkle trees of transparency logs (RFC 6962, 2.1).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hallmark {

// True if `leaf`, the entry's bytes, is entry `index` of a tree of `size` entries with this root
// (RFC 9162, 2.1.3.2). `hashes`, the audit path from below, has 32 bytes each.
bool IsIncluded(std::string_view leaf, std::uint64_t index, std::uint64_t size,
                std::span<const std::string> hashes, std::string_view root);

}  // namespace hallmark
