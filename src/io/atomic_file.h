// Output that appears whole or not at all: a temporary file beside the target, fsync, rename.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// kUsage if `target` exists and `force` is not set, or is nothing that a file may replace. Asked
// before long work, so that it is not done in vain.
Result<void> CheckTarget(const std::filesystem::path& target, bool force);

// Who may read what is written: whom the process's umask lets, or its owner alone.
enum class Readers { kUmask, kOwner };

// Not thread-safe. Destroyed without Commit, it removes what it wrote.
class AtomicFile {
 public:
  // As CheckTarget; kIo if its folder cannot be written.
  static Result<AtomicFile> Create(const std::filesystem::path& target, bool force,
                                   Readers readers = Readers::kUmask);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Result<void> Write(ByteSpan bytes);
  // Flushes to the disk and gives the file its final name.
  Result<void> Commit();

 private:
  AtomicFile(int descriptor, std::filesystem::path temporary, std::filesystem::path target,
             bool force);

  int descriptor_;
  std::filesystem::path temporary_;
  std::filesystem::path target_;
  bool force_;
};

// The whole of a small output in one call.
Result<void> WriteFileAtomically(const std::filesystem::path& target, std::string_view text,
                                 bool force, Readers readers = Readers::kUmask);

}  // namespace hallmark
