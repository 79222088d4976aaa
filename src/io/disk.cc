#include "src/io/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "src/io/placed_file.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

Error SystemError(const fs::path& path, const char* call) {
  return Error{Errc::kIo, path.string(), fmt::format("{}: {}", call, std::strerror(errno))};
}

class RealFile final : public DiskFile {
 public:
  explicit RealFile(PlacedFile file) : file_(std::move(file)) {}
  Result<std::uint64_t> Size() const override { return file_.Size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    return file_.Read(offset, out);
  }
  Result<void> Write(std::uint64_t offset, ByteSpan bytes) override {
    return file_.Write(offset, bytes);
  }
  Result<void> Truncate(std::uint64_t size) override { return file_.Truncate(size); }
  Result<void> Flush() override { return file_.Flush(); }

 private:
  PlacedFile file_;
};

class PosixDisk final : public Disk {
 public:
  bool Has(const fs::path& path) const override {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
  }
  Result<std::unique_ptr<DiskFile>> Open(const fs::path& path) override {
    return std::unique_ptr<DiskFile>(std::make_unique<RealFile>(HM_TRY(PlacedFile::Open(path, 0))));
  }
  Result<std::unique_ptr<DiskFile>> Create(const fs::path& path) override {
    return std::unique_ptr<DiskFile>(
        std::make_unique<RealFile>(HM_TRY(PlacedFile::Open(path, O_CREAT | O_TRUNC))));
  }
  Result<void> Rename(const fs::path& from, const fs::path& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return SystemError(to, "rename");
    return {};
  }
  Result<void> Remove(const fs::path& path) override {
    if (unlink(path.c_str()) != 0) return SystemError(path, "remove");
    return {};
  }
  Result<void> MakeFolder(const fs::path& path) override {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return Error{Errc::kIo, path.string(), "create: " + error.message()};
    return {};
  }
  Result<void> FlushFolder(const fs::path& path) override {
    const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return SystemError(path, "open");
    // Some file systems have no such thing, and say so.
    const bool done = fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP;
    const Error error = SystemError(path, "fsync");
    close(folder);
    if (!done) return error;
    return {};
  }
};

}  // namespace

std::unique_ptr<Disk> RealDisk() { return std::make_unique<PosixDisk>(); }

}  // namespace hallmark
