// Gives back the files that Pack packed, bit for bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "formats/packed.h"
#include "src/base/task.h"

namespace hallmark {

struct UnpackOptions {
  std::optional<std::filesystem::path> base;  // needed for what was packed against one
  // Allow a target that exists: files of the same names in it are replaced, others are left.
  bool force = false;
};

struct UnpackReport {
  std::vector<OriginalFile> files;
  std::uint64_t size = 0;         // of all files
  std::uint64_t packed_size = 0;  // of the packed file
};

// Writes the files below the directory `target`, each checked to be the one that was packed. Until
// all are whole they are in a directory beside it, which goes away if anything fails. Errors:
// kUsage (the target exists; no base is given, and one is needed); kUntrusted (another base);
// kMalformed (the packed file is damaged); kNotFound, kIo (also: not enough space).
Result<UnpackReport> Unpack(const std::filesystem::path& packed,
                            const std::filesystem::path& target, const UnpackOptions& options,
                            const Task& task);

}  // namespace hallmark
