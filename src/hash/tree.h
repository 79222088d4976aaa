// The BitTorrent v2 (BEP 52) merkle tree over 16 KiB blocks with SHA-256: docs/identity.md, 2.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/bytes.h"
#include "src/hash/digest.h"

namespace hallmark {

using TreeNode = std::array<std::byte, 32>;

inline constexpr std::uint64_t kTreeBlock = 16384;              // bytes a leaf
inline constexpr std::uint64_t kSubRootSpan = 4 * 1024 * 1024;  // bytes a sub-root, 256 leaves
inline constexpr unsigned kSubRootHeight = 8;                   // above the leaves

// ceil(size / 16 KiB).
std::uint64_t CountLeaves(std::uint64_t size);

// Fills leaves[i] with SHA-256 of the i-th 16 KiB of `bytes`; the last block may be shorter.
// `leaves` has CountLeaves(bytes.size()) entries. The one door for multi-stream kernels.
void HashLeaves(ByteSpan bytes, std::span<TreeNode> leaves);

// The root over `nodes` that stand at `height` above the leaves (0: they are leaves), padded with
// the roots of all-zero-leaf subtrees to the next power of two. No nodes: 32 zero bytes.
TreeNode TreeRoot(std::span<const TreeNode> nodes, unsigned height);

// The node at `root_height` above the leaves whose leftmost descendants at `height` are `nodes`,
// all others padding. At most 2^(root_height - height) nodes, root_height at most 64.
TreeNode SubtreeRoot(std::span<const TreeNode> nodes, unsigned height, unsigned root_height);

// Streaming: bytes in any pieces, then the root and the roots of each 4 MiB: BEP 52's "piece layer"
// for pieces of 4 MiB, where the last piece is padded to 256 leaves.
// Not thread-safe; one stream each.
class TreeHasher {
 public:
  void Update(ByteSpan bytes);
  struct Tree {
    Digest root;                      // Algorithm::kTree
    std::vector<TreeNode> sub_roots;  // empty for files of at most 4 MiB: the root says it all
  };
  Tree Finish();  // once; no Update after it

 private:
  void Drain(ByteSpan blocks);

  std::vector<std::byte> pending_;   // less than one block
  std::vector<TreeNode> leaves_;     // of the current 4 MiB
  std::vector<TreeNode> sub_roots_;  // of finished 4 MiB spans
};

}  // namespace hallmark
