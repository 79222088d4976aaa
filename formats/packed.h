// What stands around the frames of a packed file: its header, its index of files and its trailer.
// The bytes are drawn in docs/formats/packed.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_head.h"
#include "formats/packed_frame.h"
#include "src/base/error.h"
#include "src/hash/tree.h"
#include "src/io/file.h"

namespace hallmark {

inline constexpr std::string_view kPackedSuffix = ".hmz";
inline constexpr std::uint64_t kPackedHeaderBytes = 16;
// Above the leaves of a file's tree: a frame is a whole subtree of it.
inline constexpr unsigned kPackedFrameHeight = 7;
static_assert(kPackedFrameBytes == kTreeBlock << kPackedFrameHeight);

struct PackedFrame {
  ByteRange stored;     // in the packed file
  std::uint64_t check;  // FrameCheck of its stored bytes
};

// A file as it was before packing; of the base, one that differences were taken to.
struct OriginalFile {
  std::string path;  // relative and clean: CheckRelativePath
  std::uint64_t size = 0;
  TreeNode root{};  // the BEP 52 tree of its bytes, as `hallmark hash --algo tree` prints it
};

struct PackedMember {
  OriginalFile file;
  std::vector<PackedFrame> frames;  // frame i holds the bytes from i * kPackedFrameBytes on
};

struct PackedIndex {
  std::vector<OriginalFile> base;
  std::vector<PackedMember> members;  // by NaturalLess of their paths
};

bool SniffPacked(const FileHead& head);

// Reads and checks the index: afterwards the frames of all members lie one after the other between
// header and index, paths are distinct and none is the folder of another. Memory is in proportion
// to the index. Errors: kIo; kMalformed; kUnsupported (a version that is not known).
Result<PackedIndex> ReadPackedIndex(const File& file);

// The first bytes of a packed file.
std::vector<std::byte> PackedHeader();
// Its last ones, index and trailer, which begin at `offset`: behind the last frame.
std::vector<std::byte> PackedEnd(const PackedIndex& index, std::uint64_t offset);

// The root of a file's tree from the roots of its frames, in order; of a file of one frame, that is
// the root over its leaves. See FrameRoot.
TreeNode RootOfFrames(std::span<const TreeNode> frames);
// `is_only`: the frame is the whole file.
TreeNode FrameRoot(ByteSpan bytes, bool is_only);

}  // namespace hallmark
