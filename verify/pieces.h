// Do the pieces of a list, which may cross from one file into the next, have their digests?
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "src/base/task.h"
#include "src/io/file.h"
#include "verify/sources/source.h"

namespace hallmark {

// What the pieces say of one file.
struct PieceVerdict {
  std::uint64_t pieces = 0;      // that hold bytes of it
  std::uint64_t unchecked = 0;   // of these: they reach into files that are not here
  std::vector<ByteRange> bad;    // in the file, in order, neighbours merged; beyond 1000 the
                                 // rest is one
  std::uint64_t shared_bad = 0;  // of the bad pieces: other files have bytes in them too
  std::optional<Error> error;    // it could not be read to its end, or changed meanwhile
};

// `paths` says where the file of each span is; nullopt where it is not here, or not of the listed
// size, so that its bytes cannot stand where the list has them. Reads every file once, several
// pieces at a time; counts in `bytes_read`. One verdict for each span; those of other holders than
// files are empty. Errors: kInterrupted.
Result<std::vector<PieceVerdict>> CheckPieces(
    const PieceList& list, std::span<const std::optional<std::filesystem::path>> paths,
    const Task& task, std::uint64_t* bytes_read);

}  // namespace hallmark
