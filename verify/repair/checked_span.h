// What can be proven of files piece by piece: stretches of official bytes with their digests.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "src/hash/digest.h"
#include "src/hash/hasher.h"
#include "src/io/block_source.h"
#include "verify/sources/source.h"

namespace hallmark {

// A stretch of one file, or of several laid end to end, that has one digest.
struct CheckedSpan {
  struct Segment {
    std::optional<std::size_t> file;  // index into the official files; none: zeros no file holds
    ByteRange range;                  // in the file
  };
  std::vector<Segment> segments;
  Digest digest;
  // The digest is the root of the subtree so many levels above its leaves, padded; else it is of
  // the bytes alone.
  std::optional<unsigned> subtree_height = {};

  std::uint64_t Size() const;
};

// Takes the bytes of a span and gives what CheckedSpan::digest must be.
std::unique_ptr<Hasher> MakeSpanHasher(const CheckedSpan& span);

// Spans of file `listed` of the source by a manifest's or a torrent's tree, `index` being that of
// the official file. Empty: there is no such thing.
std::vector<CheckedSpan> SpansOfTree(const Source& source, std::size_t listed, std::size_t index);

// The first list of pieces that holds bytes of file `listed`; null: none.
const PieceList* FindPieces(const Source& source, std::size_t listed);
// The pieces that hold bytes of official files that are `wanted`; `files` says which official file
// each of the source's is. Pieces that reach into a file which is none of them are left out.
std::vector<CheckedSpan> SpansOfPieces(const PieceList& list,
                                       std::span<const std::optional<std::size_t>> files,
                                       const std::set<std::size_t>& wanted);

// All of an official file of that size, under the strongest of its digests; it has one.
CheckedSpan WholeFile(std::span<const Digest> digests, std::size_t index, std::uint64_t size);

}  // namespace hallmark
