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
};

// In `folder`, which exists: the file "changes", and the replacements.
class MendJournal {
 public:
  // Writes the changes down with the bytes of their blocks, which `contents[i]` gives by the
  // offsets of file i (it is null where there are no blocks), and flushes them to the disk.
  // Replacements were flushed before. Errors: kIo; those of `contents`.
  static Result<MendJournal> Write(Disk& disk, const std::filesystem::path& folder,
                                   std::vector<FileChange> changes,
                                   std::span<const std::shared_ptr<const BlockSource>> contents);
  // What was written down by an earlier process; nullopt: nothing, or not to its end, so that no
  // file was touched. Errors: kIo; kMalformed (it is whole, and not what Write writes).
  static Result<std::optional<MendJournal>> Find(Disk& disk, const std::filesystem::path& folder);

  const std::vector<FileChange>& Changes() const { return changes_; }
  // The bytes of the change's blocks one after another, as they were written down; lives as long as
  // this does.
  std::shared_ptr<const BlockSource> BytesOf(std::size_t change) const;

  // Makes the changes, in files below `root`, and flushes them. Any number of times, also after it
  // was cut short at any point. Errors: kIo.
  Result<void> Apply(Disk& disk, const std::filesystem::path& root) const;
  // After all is well: nobody makes the changes again.
  Result<void> Forget(Disk& disk) const;

 private:
  MendJournal() = default;

  std::filesystem::path folder_;
  std::vector<FileChange> changes_;
  std::shared_ptr<const DiskFile> file_;
  std::vector<std::uint64_t> payload_at_;  // by change
};

}  // namespace hallmark
