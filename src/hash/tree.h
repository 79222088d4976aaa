// The BitTorrent v2 (BEP 52) merkle tree over 16 KiB blocks with SHA-256: docs/identity.md, 2.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/base/bytes.h"
#include "src/hash/digest.h"

namespace hallmark {

using TreeNode = std::array<std::byte, 32>;

inline constexpr std::uint64_t kTreeBlock = 16384;              // bytes a leaf
inline constexpr std::uint64_t kSubRootSpan = 4 * 1024 * 1024;  // bytes a sub-root, 256 leaves

// Fills leaves[i] with SHA-256 of the i-th 16 KiB of `bytes`; the last block may be shorter.
// `leaves` has CountLeaves(bytes.size()) entries. The one door for multi-stream kernels.
void HashLeaves(ByteSpan bytes, std::span<TreeNode> leaves);
std::uint64_t CountLeaves(std::uint64_t size);  // ceil(size / 16 KiB)

// The root over `nodes` that stand at `height` above the leaves (0: they are leaves), padded with
// the roots of all-zero-leaf subtrees to the next power of two. No nodes: 32 zero bytes.
TreeNode TreeRoot(std::span<const TreeNode> nodes, unsigned height);

// Streaming: bytes in any pieces, then the root and the roots of each 4 MiB (the last 4 MiB, and a
// file shorter than that, padded to 256 leaves only when there is more than one sub-root).
class TreeHasher {
 public:
  void Update(ByteSpan bytes);
  struct Tree {
    Digest root;                      // Algorithm::kTree
    std::vector<TreeNode> sub_roots;  // empty for files of at most 4 MiB: the root says it all
  };
  Tree Finish();

 private:
  void Drain(ByteSpan whole_blocks);

  std::vector<std::byte> pending_;   // less than one block
  std::vector<TreeNode> leaves_;     // of the current 4 MiB
  std::vector<TreeNode> sub_roots_;  // of finished 4 MiB spans
  std::uint64_t size_ = 0;
};

}  // namespace hallmark
