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

// Names what lies in each stretch of the file `path`. With `weights` (compared tensor by tensor)
// only tensors whose digest differs are named and stretches are narrowed to them; stretches that
// touch none stay, without a tensor. Without it, the manifest's places tell.
std::vector<DamagedRange> NameDamage(const std::vector<DifferingBytes>& stretches,
                                     const std::string& path, const std::string& listed_as,
                                     const Manifest* manifest, const WeightsVerdict* weights);

}  // namespace hallmark
