// Any set of digests of any number of files, each read once and checked not to have changed.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "src/hash/hash_sources.h"
#include "src/io/file.h"

namespace hallmark {

struct FileToHash {
  std::filesystem::path path;
  std::vector<Algorithm> algorithms;
  std::string_view name = {};  // for progress; outlives the call
};

struct HashedFile {
  FileStamp stamp;  // of what was read: its size is in there
  HashOutcome outcome;
};

// Called once per file, in any order, from one thread at a time. An error ends the work.
using OnFileHashed = std::function<Result<void>(std::size_t index, Result<HashedFile> hashed)>;

// As HashSources, for files, of which a few hundred are open at a time. A file that cannot be
// opened or read, or that changes meanwhile, gives its error to `on_hashed` and does not stop the
// others.
Result<void> HashFiles(std::span<const FileToHash> files, const Task& task,
                       const OnFileHashed& on_hashed);

}  // namespace hallmark
