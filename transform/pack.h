// Packs the files of a model into one file, without loss: docs/formats/packed.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"

namespace hallmark {

struct PackOptions {
  // A model to which tensors of the same name, type and shape are kept as the difference.
  std::optional<std::filesystem::path> base;
  bool force = false;  // replace a target that exists
};

struct PackedFileReport {
  std::string path;
  std::uint64_t size = 0;         // bytes before packing
  std::uint64_t packed_size = 0;  // bytes of its frames
};

struct PackReport {
  std::vector<PackedFileReport> files;
  std::uint64_t size = 0;               // of all files before packing
  std::uint64_t packed_size = 0;        // of the packed file
  std::vector<std::string> base_files;  // those of the base that unpacking will need
  std::vector<Finding> findings;        // what lies at `source` and is no file: it was not packed
};

// Packs a directory with all that is in it (`.git` left out), an index with its shards, or one
// file. The result is the same for any number of threads, and appears whole or not at all. Errors:
// kUsage (the target exists; the source is packed already, or empty); kNotFound, kIo.
Result<PackReport> Pack(const std::filesystem::path& source, const std::filesystem::path& target,
                        const PackOptions& options, const Task& task);

}  // namespace hallmark
