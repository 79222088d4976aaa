#include "src/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "src/io/directory.h"

namespace hallmark {
namespace {

Error SystemError(const std::string& name, const char* call) {
  const int code = errno;
  const bool missing = code == ENOENT || code == ENOTDIR;
  Error error{missing ? Errc::kNotFound : Errc::kIo, name,
              fmt::format("{}: {}", call, std::strerror(code))};
  if (missing && (name.starts_with("https://") || name.starts_with("http://"))) {
    error.message = "addresses of the web are not read";
    error.hint = "download it first, and name the file or folder";
  }
  if (code == EACCES) error.hint = "check who may read this file and the folders above it";
  return error;
}

FileStamp StampOf(const struct stat& info) {
  const auto nanoseconds = [](const timespec& t) {
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
  };
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

const char* KindName(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a regular file";
}

class DiskFile final : public File {
 public:
  DiskFile(int descriptor, std::string name, FileStamp stamp)
      : descriptor_(descriptor), name_(std::move(name)), stamp_(stamp) {}
  ~DiskFile() override { close(descriptor_); }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  std::uint64_t Size() const override { return stamp_.size; }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return stamp_; }

  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    while (!out.empty()) {
      const std::size_t want = std::min<std::size_t>(out.size(), 1u << 30);
      const ssize_t got = pread(descriptor_, out.data(), want, static_cast<off_t>(offset));
      if (got < 0) {
        if (errno == EINTR) continue;
        Error error = SystemError(name_, "read");
        error.code = Errc::kIo;
        error.offset = offset;
        return error;
      }
      if (got == 0) {
        return Error{
            Errc::kIo, name_,
            fmt::format("the file ends here; it had {} bytes when it was opened", stamp_.size),
            offset, "something cut it short; try again when nothing writes to it"};
      }
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  Result<std::unique_ptr<File>> OpenBeside(std::string_view path) const override {
    return OpenFile(std::filesystem::path(name_).parent_path() / HM_TRY(CheckRelativePath(path)));
  }

  Result<void> CheckUnchanged() const override {
    struct stat info;
    if (fstat(descriptor_, &info) != 0) return SystemError(name_, "stat");
    bool same = StampOf(info) == stamp_;
    struct stat by_name;
    if (same && stat(name_.c_str(), &by_name) == 0) {
      same = by_name.st_ino == info.st_ino && by_name.st_dev == info.st_dev;
    }
    if (same) return {};
    return Error{Errc::kIo, name_, "the file changed while it was being read", std::nullopt,
                 "try again when nothing writes to it"};
  }

 private:
  int descriptor_;
  std::string name_;
  FileStamp stamp_;
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::vector<std::byte> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  std::uint64_t Size() const override { return bytes_.size(); }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return {0, 0, bytes_.size(), 0, 0}; }

  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return Error{Errc::kIo, name_, "read beyond the end of the file", offset};
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

  Result<void> CheckUnchanged() const override { return {}; }

 private:
  std::vector<std::byte> bytes_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<File>> File::OpenBeside(std::string_view path) const {
  return Error{Errc::kNotFound, Name(),
               fmt::format("no file {} can lie beside it", HM_TRY(CheckRelativePath(path)))};
}

Result<void> FileWindow::Read(std::uint64_t offset, MutableByteSpan out) const {
  if (offset > range_.size || out.size() > range_.size - offset) {
    return Error{Errc::kIo, name_, "read beyond the end of the file", offset};
  }
  return whole_->Read(range_.offset + offset, out);
}

Result<std::unique_ptr<File>> OpenFile(const std::filesystem::path& path) {
  const std::string name = path.string();
  // Opening a pipe for reading would hang until someone writes; O_NONBLOCK lets fstat refuse it.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return SystemError(name, "open");
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    Error error = SystemError(name, "stat");
    close(descriptor);
    return error;
  }
  if (!S_ISREG(info.st_mode)) {
    close(descriptor);
    return Error{Errc::kIo, name,
                 fmt::format("this is {}, a file is needed", KindName(info.st_mode))};
  }
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::make_unique<DiskFile>(descriptor, name, StampOf(info));
}

std::unique_ptr<File> MakeMemoryFile(std::vector<std::byte> bytes, std::string name) {
  return std::make_unique<MemoryFile>(std::move(bytes), std::move(name));
}

Result<std::string> ReadWholeFile(const File& file, std::uint64_t limit) {
  if (file.Size() > limit) {
    return Error{Errc::kUnsupported, file.Name(),
                 fmt::format("a file of {} bytes, limit {} for this use", file.Size(), limit)};
  }
  std::string text(file.Size(), '\0');
  HM_TRY(file.Read(0, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
  return text;
}

}  // namespace hallmark
