// A frame of a packed file: up to 2 MiB of one file, taken apart into planes, each compressed or
// stored. The bytes are drawn in docs/formats/packed.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// Every frame of a file but its last holds so many bytes of it.
inline constexpr std::uint64_t kPackedFrameBytes = 2 * 1024 * 1024;
// A frame is never stored in more.
inline constexpr std::uint64_t kMaxStoredFrameBytes = 2 * kPackedFrameBytes;

// A part of every element: a number of 2, 4 or 8 bytes, which becomes as many planes
// (SplitNumbers), or any bytes, which become one plane.
struct PlaneField {
  bool is_number;
  std::uint16_t width;  // bytes, 1 to 32767
  friend bool operator==(const PlaneField&, const PlaneField&) = default;
};
// The fields of an element in the order of its bytes, at most 127; none: bytes without structure.
using PlaneLayout = std::vector<PlaneField>;
std::uint64_t ElementBytes(const PlaneLayout& layout);  // 1 without structure

// Where a piece's counterpart in the base is found.
struct BasePlace {
  std::uint32_t file = 0;  // index into the packed file's list of base files
  std::uint64_t offset = 0;
};

// A stretch of a frame that is packed in one way.
struct FramePiece {
  std::uint32_t size = 0;  // bytes, not 0; whole elements
  PlaneLayout layout;
  std::optional<BasePlace> base;  // the piece is kept as the exclusive or with these bytes
};

// Fills `out` with bytes of the base.
using ReadBase = std::function<Result<void>(const BasePlace& place, MutableByteSpan out)>;

// Appends the frame of `bytes` to `*stored`. `pieces` cover them; that they are few, at most one in
// 1 KiB on average, keeps the frame below kMaxStoredFrameBytes. The same input gives the same frame
// everywhere, with one version of zstd. Errors: those of `read_base`, which only pieces with a base
// need.
Result<void> EncodeFrame(std::span<const FramePiece> pieces, ByteSpan bytes,
                         const ReadBase& read_base, std::vector<std::byte>* stored);

// Fills `out` from a frame. `subject` and `offset`, where the frame lies, are for messages. Errors:
// kMalformed; those of `read_base`.
Result<void> DecodeFrame(ByteSpan stored, const std::string& subject, std::uint64_t offset,
                         const ReadBase& read_base, MutableByteSpan out);

// The check of a frame's stored bytes, XXH64: damage is seen before anything is decompressed.
std::uint64_t FrameCheck(ByteSpan bytes);

}  // namespace hallmark
