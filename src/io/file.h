// The File seam: everything that reads payload reads it through here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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
  // Opens another file by its path relative to the folder this one lies in: a container may keep
  // tensors there. Errors: kMalformed (a path that leaves the folder); kNotFound, also where
  // nothing can lie beside, as in memory; kIo.
  virtual Result<std::unique_ptr<File>> OpenBeside(std::string_view path) const;
};

// Opens a regular file (links are followed) for positioned reads. A read beyond the size at opening
// or a file cut short meanwhile is an error. Errors: kNotFound; kIo (a directory, a device, a
// pipe, no permission), each naming `path`.
Result<std::unique_ptr<File>> OpenFile(const std::filesystem::path& path);

// A stretch of another file, seen as a file of its own: what an archive keeps as it is. Stamps and
// changes are those of the whole.
class FileWindow : public File {
 public:
  // `range` lies within `whole`.
  FileWindow(std::shared_ptr<const File> whole, ByteRange range, std::string name)
      : whole_(std::move(whole)), range_(range), name_(std::move(name)) {}

  std::uint64_t Size() const override { return range_.size; }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return whole_->Stamp(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override;
  Result<void> CheckUnchanged() const override { return whole_->CheckUnchanged(); }

 private:
  std::shared_ptr<const File> whole_;
  ByteRange range_;
  std::string name_;
};

// A file in memory; owns its bytes.
std::unique_ptr<File> MakeMemoryFile(std::vector<std::byte> bytes, std::string name);

// All of a small file; kUnsupported if it is larger than `limit` bytes.
Result<std::string> ReadWholeFile(const File& file, std::uint64_t limit);

}  // namespace hallmark
