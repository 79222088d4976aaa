// The File seam: everything that reads payload reads it through here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/io/block_source.h"

namespace hallmark {

// What a file was when it was opened, to notice that it changed and to know it again.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // since the epoch
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

class File : public BlockSource {
 public:
  virtual const std::string& Name() const = 0;  // as the user named it, for messages
  virtual FileStamp Stamp() const = 0;          // taken when it was opened
  // kIo if size, inode or one of its times are no longer what they were at opening. Call it after
  // the last read: a verdict over a file that changed meanwhile would be about neither version.
  virtual Result<void> CheckUnchanged() const = 0;
};

// Opens a regular file (links are followed) for positioned reads. A read beyond the size at opening
// or a file cut short meanwhile is an error. Errors: kNotFound; kIo (a directory, a device, a
// pipe, no permission), each naming `path`.
Result<std::unique_ptr<File>> OpenFile(const std::filesystem::path& path);

// A file in memory; owns its bytes.
std::unique_ptr<File> MakeMemoryFile(std::vector<std::byte> bytes, std::string name);

// All of a small file; kUnsupported if it is larger than `limit` bytes.
Result<std::string> ReadWholeFile(const File& file, std::uint64_t limit);

}  // namespace hallmark
