// ZIP archives read in exactly one way: whatever two readers could see differently is refused.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/io/file.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

enum class ZipMethod : std::uint8_t { kStored, kDeflated };

struct ZipEntry {
  std::string name;  // relative, UTF-8, unique also without regard to case; "x/" is a directory
  ZipMethod method = ZipMethod::kStored;
  ByteRange payload;       // in the file; of the deflated bytes if deflated
  std::uint64_t size = 0;  // inflated; the payload's size if stored
  std::uint32_t crc32 = 0;
};

// The directory of one archive (APPNOTE 6.3, zip64 included), checked against every local header.
// Immutable and safe to share between threads. The file must outlive it.
class ZipArchive {
 public:
  // Errors: kMalformed where local and central headers disagree, entries overlap or leave bytes
  // between them, names repeat or are unsafe, anything precedes the first entry or follows the one
  // end record; kUnsupported for encryption, several disks and other methods.
  static Result<ZipArchive> Open(const File& file);
  ZipArchive(ZipArchive&&) noexcept;
  ZipArchive& operator=(ZipArchive&&) noexcept;
  ~ZipArchive();

  const File& GetFile() const { return *file_; }
  std::span<const ZipEntry> Entries() const { return entries_; }  // in file order
  const ZipEntry* Find(std::string_view name) const;
  // As some readers find names, torch's among them; there are no two that differ in case only.
  const ZipEntry* FindInAnyCase(std::string_view name) const;

  // All of an entry, its CRC checked. kUnsupported above `limit` bytes or if a deflated entry
  // promises to grow more than `max_growth`-fold (and past 1 MiB).
  Result<std::vector<std::byte>> ReadWhole(const ZipEntry& entry, std::uint64_t limit,
                                           std::uint64_t max_growth = 32) const;

  // Fills `out` with the inflated bytes from `offset`, which lie within entry.size. Sequential
  // reads inflate once; reading backwards resumes at a remembered place. The last byte of a
  // deflated entry is only handed out if its size and CRC hold. `entry` is one of Entries().
  Result<void> Read(const ZipEntry& entry, std::uint64_t offset, MutableByteSpan out) const;

 private:
  class InflatePool;
  explicit ZipArchive(const File& file);
  Result<void> IndexNames();

  const File* file_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // in lower case
  std::deque<std::string> lowered_;                            // names that had capitals
  std::unique_ptr<InflatePool> pool_;
};

// "PK\3\4": an archive that starts with an entry.
bool SniffZip(ByteSpan head);
// The name of the first entry as far as the head holds it; empty if this is no ZIP.
std::string_view FirstZipEntryName(ByteSpan head);

}  // namespace hallmark
