// Any set of digests of any number of files, each read once and checked not to have changed, or
// remembered.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/digest_cache.h"
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
  std::string remembered_from = {};  // UtcText; empty: read now
};

// Called once per file, in any order, from one thread at a time. An error ends the work.
using OnFileHashed = std::function<Result<void>(std::size_t index, Result<HashedFile> hashed)>;

// As HashSources, for files, of which a few hundred are open at a time. A file that cannot be
// opened or read, or that changes meanwhile, gives its error to `on_hashed` and does not stop the
// others. With a `cache` a file is not read if all its digests are remembered, and those of files
// that were read are remembered.
Result<void> HashFiles(std::span<const FileToHash> files, const Task& task,
                       const OnFileHashed& on_hashed, DigestCache* cache = nullptr);

}  // namespace hallmark
