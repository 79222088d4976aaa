// Where does a file differ from what was listed, and what lies there?
#pragma once

#include <optional>
#include <vector>

#include "src/base/task.h"
#include "src/hash/tree.h"
#include "src/io/block_source.h"
#include "verify/verify_report.h"

namespace hallmark {

// The stretches in which `sub_roots` (of `size` bytes as they are) differ from those of `listed`,
// neighbours merged. A file of at most 4 MiB has no sub-roots and is one stretch. Bytes beyond the
// listed size count as differing; bytes that are missing do not.
std::vector<ByteRange> DifferingSpans(const ManifestFile& listed, std::uint64_t size,
                                      const std::vector<TreeNode>& sub_roots);

// The whole 4 MiB spans of a cut or unfinished file that are right already, neighbours merged.
std::vector<ByteRange> IntactSpans(const ManifestFile& listed, std::uint64_t size,
                                   const std::vector<TreeNode>& sub_roots);

// The stretches in which two sources of equal size differ, byte by byte; differences less than 64
// bytes apart are one stretch, and beyond 1000 stretches the rest is one.
struct DifferingBytes {
  ByteRange range;
  std::uint64_t count;  // of bytes that differ within it
};
Result<std::vector<DifferingBytes>> CompareBytes(const BlockSource& ours, const BlockSource& theirs,
                                                 const Task& task);

// Where a tensor (a part of it, if it is sharded) lies in the file in question.
struct TensorPlace {
  ByteRange range;
  std::string tensor;  // canonical name
  std::string group;
};
struct KnownPlaces {
  std::vector<TensorPlace> places;
  bool only_differing = false;  // the tensors were compared; others are known to be equal
};

// Names what lies in each stretch. With `only_differing` a stretch that is not exact (count 0)
// falls apart into the places of the tensors that differ; stretches that touch none stay as they
// are, without a tensor. Without `known` nothing can be said of tensors.
std::vector<DamagedRange> NameDamage(const std::vector<DifferingBytes>& stretches,
                                     const std::optional<KnownPlaces>& known);

}  // namespace hallmark
