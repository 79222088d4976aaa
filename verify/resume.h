// What an interrupted verify leaves behind, so that the same command goes on at the next file.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/hash/hash_sources.h"
#include "src/io/file.h"

namespace hallmark {

// A journal of finished files: one JSON line each, appended as files finish and flushed to the disk
// at most once a second: a killed process loses nothing, a power cut the last second. Digests are
// taken over only if size, inode and both times of the file are what they were. Not thread-safe.
class VerifyJournal {
 public:
  // For the copy at `copy`, or the part of it ("3/16", or empty), below `state_folder` (made if
  // needed). An existing journal is read; lines that are broken or about other files are ignored.
  static Result<VerifyJournal> Open(const std::filesystem::path& state_folder,
                                    const std::filesystem::path& copy, const std::string& part);
  VerifyJournal(VerifyJournal&&) noexcept;
  VerifyJournal& operator=(VerifyJournal&&) = delete;
  ~VerifyJournal();

  // The digests of `algorithms`, in that order, if all of them are remembered for this file as it
  // is now.
  const HashOutcome* Recall(const std::string& path, const FileStamp& stamp,
                            const std::vector<Algorithm>& algorithms) const;
  void Remember(const std::string& path, const FileStamp& stamp, const HashOutcome& outcome);
  // Once the work is done nothing needs to be remembered.
  void Discard();

 private:
  struct Entry {
    std::string stamp;  // a FileStamp as text
    HashOutcome outcome;
  };
  VerifyJournal() = default;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point flushed_;
  std::map<std::string, Entry> entries_;
};

}  // namespace hallmark
