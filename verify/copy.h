// The copy in question: its files, what their headers say, and the digests asked of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "src/hash/digest_cache.h"
#include "src/hash/hash_sources.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "src/io/folder.h"
#include "verify/sources/source.h"

namespace hallmark {

struct CopyFile {
  bool holds_weights = false;
  std::set<Algorithm> wanted;          // to compute
  std::optional<HashOutcome> outcome;  // at least of `wanted`
  std::optional<FileStamp> stamp;      // of what was hashed
  std::optional<Error> error;          // why it could not be read to its end
  bool remembered = false;             // the outcome is that of an earlier run
  std::string remembered_from = {};    // UtcText, where a cache of digests had it

  // Absent: not computed.
  std::optional<Digest> Find(Algorithm algorithm) const;
};

// Where an interrupted run leaves the digests of finished files, so that the same command goes on
// at the next one; an empty folder: nowhere. Used from `above` bytes to hash on.
struct ResumeOptions {
  std::filesystem::path state_folder = {};
  std::uint64_t above = 1'000'000'000;
  std::string part = {};  // "3/16": parts of one copy go on by themselves
};

class Copy {
 public:
  // A directory, an index.json with its shards, a single file, or a manifest in a store, which
  // stands for the blobs it lists. Errors: there is no such thing; a broken manifest.
  static Result<Copy> List(std::filesystem::path path);
  // What `folder` holds, which is not on disk as such; `path` is what it was made from.
  static Result<Copy> InFolder(std::filesystem::path path, std::shared_ptr<const Folder> folder);

  const std::filesystem::path& Path() const { return path_; }
  bool IsOneFile() const { return is_one_file_; }
  bool IsOnDisk() const { return folder_ == nullptr; }
  // What it is a copy of by its own word, where it was named by its manifest.
  const std::optional<Source>& OwnManifest() const { return own_manifest_; }
  const DirectoryListing& Listing() const { return listing_; }
  std::size_t Size() const { return files_.size(); }
  const DirectoryEntry& Entry(std::size_t index) const { return listing_.files[index]; }
  CopyFile& File(std::size_t index) { return files_[index]; }
  const CopyFile& File(std::size_t index) const { return files_[index]; }

  // Reads the headers of every container; those with tensors, and those that cannot be read, hold
  // weights. What containers admit about themselves is listed, of files that `tells` names, though
  // a digest that matches does not depend on it. Errors: kInterrupted.
  Result<std::vector<Finding>> ReadHeaders(const std::function<bool(std::size_t index)>& tells,
                                           const Task& task);

  // Computes what is wanted, reading every file once, whatever the number of links to it. A file
  // that cannot be read keeps its error. `on_hashed` is told of every file whose digests are known,
  // one at a time; not of links to others. Errors: kInterrupted, and those of `on_hashed`.
  // `cache` may be null.
  struct Hashed {
    std::uint64_t files = 0, bytes = 0;  // that were read, not remembered
    RememberedTotal remembered = {};     // by `cache`
  };
  Result<Hashed> Hash(const ResumeOptions& resume, DigestCache* cache,
                      const std::function<Result<void>(std::size_t index)>& on_hashed,
                      const Task& task);

  // For each file the first one that is the same file, reached by another link.
  std::vector<std::size_t> FindOriginals() const;

 private:
  Copy() = default;

  // Of files that are not on disk.
  Result<Hashed> HashInFolder(const std::function<Result<void>(std::size_t index)>& on_hashed,
                              const Task& task);

  std::filesystem::path path_;
  std::shared_ptr<const Folder> folder_;  // null: files are where the listing says
  bool is_one_file_ = false;
  std::optional<Source> own_manifest_;
  DirectoryListing listing_;
  std::vector<CopyFile> files_;  // parallel to listing_.files
};

}  // namespace hallmark
