// The seam through which files are changed in place: what is written is on the disk only once it
// was flushed, and until then may be there in part, in any order, or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// Errors are kIo and name the file.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  virtual Result<std::uint64_t> Size() const = 0;
  virtual Result<void> Read(std::uint64_t offset, MutableByteSpan out) const = 0;
  virtual Result<void> Write(std::uint64_t offset, ByteSpan bytes) = 0;
  virtual Result<void> Truncate(std::uint64_t size) = 0;
  virtual Result<void> Flush() = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual bool Has(const std::filesystem::path& path) const = 0;
  // To read and to change; a link is not followed.
  virtual Result<std::unique_ptr<DiskFile>> Open(const std::filesystem::path& path) = 0;
  // A new file; one that is there loses what is in it.
  virtual Result<std::unique_ptr<DiskFile>> Create(const std::filesystem::path& path) = 0;
  // `to` is replaced if it is there.
  virtual Result<void> Rename(const std::filesystem::path& from,
                              const std::filesystem::path& to) = 0;
  virtual Result<void> Remove(const std::filesystem::path& path) = 0;
  // With those above it, unless they are there.
  virtual Result<void> MakeFolder(const std::filesystem::path& path) = 0;
  // Which names are in the folder.
  virtual Result<void> FlushFolder(const std::filesystem::path& path) = 0;
};

std::unique_ptr<Disk> RealDisk();

}  // namespace hallmark
