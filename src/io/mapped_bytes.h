// Bytes of a file where they already lie: in the system's page cache, mapped, not copied.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "src/base/bytes.h"

namespace hallmark {

// A stretch of a file, mapped read-only. A file that is cut short meanwhile, or a disk that fails,
// would kill a program that touches such a mapping (SIGBUS); here zeros take the place of what went
// away, and Intact() says so afterwards. Not thread-safe, but its bytes may be read by any thread.
class MappedBytes {
 public:
  // Absent where a mapping gains nothing: some of the bytes are not in memory, so that reading them
  // is the better way; or there can't be one. [offset, offset + size) lies within the file.
  static std::optional<MappedBytes> Map(int descriptor, std::uint64_t offset, std::size_t size);

  MappedBytes(MappedBytes&& other) noexcept
      : mapping_(std::exchange(other.mapping_, {})), bytes_(other.bytes_), slot_(other.slot_) {}
  MappedBytes& operator=(MappedBytes&&) = delete;
  ~MappedBytes();

  ByteSpan Bytes() const { return bytes_; }
  // Ask after the last use of Bytes(): false if some of what was seen may not have been the file's.
  bool Intact() const;

 private:
  MappedBytes(MutableByteSpan mapping, ByteSpan bytes, std::size_t slot)
      : mapping_(mapping), bytes_(bytes), slot_(slot) {}

  MutableByteSpan mapping_;  // whole pages; empty: moved from
  ByteSpan bytes_;           // within it
  std::size_t slot_;         // where the signal handler finds it
};

}  // namespace hallmark
