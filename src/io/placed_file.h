// A file that is written at given places.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// Owns its descriptor. Reads and writes are safe from several threads; errors are kIo and name the
// file.
class PlacedFile {
 public:
  // `flags`: of open(2), beside O_RDWR. A link is not followed.
  static Result<PlacedFile> Open(const std::filesystem::path& path, int flags);
  PlacedFile(PlacedFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  PlacedFile& operator=(PlacedFile&&) = delete;
  ~PlacedFile();

  // Makes the file `size` bytes long; on disks that can, the room is kept for it.
  Result<void> Reserve(std::uint64_t size) const;
  Result<void> Truncate(std::uint64_t size) const;
  // Lets the disk begin with what was written there, so that flushing at the end takes less time.
  void BeginFlushing(std::uint64_t offset, std::uint64_t size) const;
  Result<void> Write(std::uint64_t offset, ByteSpan bytes) const;
  Result<void> Append(ByteSpan bytes) const;
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const;
  Result<std::uint64_t> Size() const;
  Result<void> Flush() const;

 private:
  PlacedFile(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::filesystem::path path_;
};

}  // namespace hallmark
