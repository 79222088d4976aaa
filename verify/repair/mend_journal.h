// Changes to several files that all happen or, up to the moment they are decided, none: they are
// written down first, then made, and whoever finds them written down makes them again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/hash/digest.h"
#include "src/hash/hasher.h"
#include "src/io/block_source.h"
#include "src/io/disk.h"

namespace hallmark {

// How one file is to change. Either blocks are written into it and it gets its new size, or another
// file takes its place, or comes where there was none.
struct FileChange {
  std::string path;                        // relative and safe
  std::uint64_t size = 0;                  // afterwards, bytes
  std::vector<ByteRange> blocks;           // in order, within `size`
  std::optional<std::string> replacement;  // path in the journal's folder of what comes; or none
  std::string before = {};  // of what is replaced, to know it again; empty: nothing was there
};

// In `folder`, which exists: the file "changes", and the replacements. Written down first, then,
// once it was proven to be right, decided; what was not decided was never there.
class MendJournal {
 public:
  // Writes the changes down with the bytes of their blocks, which `contents[i]` gives by the
  // offsets of file i (it is null where there are no blocks). Errors: kIo; those of `contents`.
  static Result<MendJournal> Write(Disk& disk, const std::filesystem::path& folder,
                                   std::vector<FileChange> changes,
                                   std::span<const std::shared_ptr<const BlockSource>> contents);
  // What an earlier process had decided; nullopt: nothing, so that no file was touched. Errors:
  // kIo; kMalformed (it is whole, and not what Write writes).
  static Result<std::optional<MendJournal>> Find(Disk& disk, const std::filesystem::path& folder);

  const std::vector<FileChange>& Changes() const { return changes_; }
  // The bytes of the change's blocks one after another, as they were written down; lives as long as
  // this does.
  std::shared_ptr<const BlockSource> BytesOf(std::size_t change) const;
  // The tree roots that the files will have, as Decide was told.
  const std::vector<Digest>& Trees() const { return trees_; }

  // Flushes everything to the disk, replacements are flushed already, and makes it count: from here
  // on the changes are made, by this process or another. `trees`: of the files afterwards.
  Result<void> Decide(Disk& disk, std::vector<Digest> trees);
  // Makes the changes, in files below `root`, and flushes them. Any number of times, also after it
  // was cut short at any point. Errors: kIo.
  Result<void> Apply(Disk& disk, const std::filesystem::path& root) const;
  // After all is well: nobody makes the changes again.
  Result<void> Forget(Disk& disk) const;

 private:
  MendJournal() = default;

  std::filesystem::path folder_;
  std::vector<FileChange> changes_;
  std::vector<Digest> trees_;
  std::shared_ptr<DiskFile> file_;
  std::vector<std::uint64_t> payload_at_;  // by change
  std::shared_ptr<Hasher> hasher_;         // has seen what was written; null once it is decided
  std::uint64_t end_ = 0;                  // of what was written
};

}  // namespace hallmark
