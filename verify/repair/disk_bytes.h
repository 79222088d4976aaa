// A file that is opened for every read: any number of them can be at hand.
#pragma once

#include <filesystem>
#include <memory>

#include "src/io/file.h"

namespace hallmark {

class DiskBytes final : public BlockSource {
 public:
  // Errors: as OpenFile.
  static Result<std::shared_ptr<const DiskBytes>> Open(const std::filesystem::path& path);

  std::uint64_t Size() const override { return stamp_.size; }
  const FileStamp& Stamp() const { return stamp_; }
  // kIo also where the file is another than it was at first.
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override;
  Result<void> CheckUnchanged() const;

 private:
  DiskBytes(std::filesystem::path path, FileStamp stamp) : path_(std::move(path)), stamp_(stamp) {}
  Result<std::unique_ptr<File>> OpenSame() const;

  std::filesystem::path path_;
  FileStamp stamp_;
};

}  // namespace hallmark
