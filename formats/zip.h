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

// Which names of entries are the same to those who read the archive.
enum class ZipNames : std::uint8_t {
  kInAnyCase,  // "W" and "w" are, so an archive cannot hold both
  kExact,
};

struct ZipEntry {
  std::string name;  // relative, UTF-8, distinct as ZipNames says; "x/" is a directory
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
  static Result<ZipArchive> Open(const File& file, ZipNames names = ZipNames::kInAnyCase);
  ZipArchive(ZipArchive&&) noexcept;
  ZipArchive& operator=(ZipArchive&&) noexcept;
  ~ZipArchive();

  const File& GetFile() const { return *file_; }
  std::span<const ZipEntry> Entries() const { return entries_; }  // in file order
  const ZipEntry* Find(std::string_view name) const;
  // As some readers find names, torch's among them. Only of an archive opened with kInAnyCase.
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
  ZipArchive(const File& file, ZipNames names);
  const ZipEntry* FindByKey(std::string_view key) const;
  Result<void> IndexNames();

  const File* file_;
  ZipNames names_;
  std::vector<ZipEntry> entries_;
  // By name without "/" at its end, in lower case for kInAnyCase.
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::deque<std::string> lowered_;  // names that had capitals
  std::unique_ptr<InflatePool> pool_;
};

// "PK\3\4": an archive that starts with an entry.
bool SniffZip(ByteSpan head);
// The name of the first entry as far as the head holds it; empty if this is no ZIP.
std::string_view FirstZipEntryName(ByteSpan head);

}  // namespace hallmark
