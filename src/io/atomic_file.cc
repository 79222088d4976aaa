#include "src/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

namespace hallmark {
namespace {

Error WriteError(const std::filesystem::path& path, const char* call) {
  return Error{Errc::kIo, path.string(), fmt::format("{}: {}", call, std::strerror(errno))};
}

}  // namespace

AtomicFile::AtomicFile(int descriptor, std::filesystem::path temporary,
                       std::filesystem::path target, bool force)
    : descriptor_(descriptor),
      temporary_(std::move(temporary)),
      target_(std::move(target)),
      force_(force) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      temporary_(std::move(other.temporary_)),
      target_(std::move(other.target_)),
      force_(other.force_) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

Result<void> CheckTarget(const std::filesystem::path& target, bool force) {
  struct stat info;
  if (lstat(target.c_str(), &info) != 0) return {};
  if (!force) {
    return Error{Errc::kUsage, target.string(), "the output exists already", std::nullopt,
                 "choose another name, or pass --force to replace it"};
  }
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
    return Error{Errc::kUsage, target.string(), "the output exists and is no regular file"};
  }
  return {};
}

Result<AtomicFile> AtomicFile::Create(const std::filesystem::path& target, bool force,
                                      Readers readers) {
  HM_TRY(CheckTarget(target, force));
  std::string pattern = target.string() + ".hallmark-XXXXXX";
  const int descriptor = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) return WriteError(target, "create");
  const mode_t mask = umask(0);
  umask(mask);
  if (readers == Readers::kUmask) fchmod(descriptor, 0666 & ~mask);  // 0600 as it is made
  return AtomicFile(descriptor, pattern, target, force);
}

Result<void> AtomicFile::Write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return WriteError(target_, "write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> AtomicFile::Commit() {
  if (fsync(descriptor_) != 0) return WriteError(target_, "fsync");
  if (force_) {
    if (rename(temporary_.c_str(), target_.c_str()) != 0) return WriteError(target_, "rename");
  } else {
    // link() refuses an existing target, so two writers cannot overwrite each other.
    if (link(temporary_.c_str(), target_.c_str()) == 0) {
      unlink(temporary_.c_str());
    } else {
      HM_TRY(CheckTarget(target_, false));
      // Some file systems have no links; there the check before must do.
      if (rename(temporary_.c_str(), target_.c_str()) != 0) return WriteError(target_, "rename");
    }
  }
  close(std::exchange(descriptor_, -1));
  std::filesystem::path folder = target_.parent_path();
  if (folder.empty()) folder = ".";
  if (const int at = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); at >= 0) {
    fsync(at);
    close(at);
  }
  return {};
}

Result<void> WriteFileAtomically(const std::filesystem::path& target, std::string_view text,
                                 bool force, Readers readers) {
  AtomicFile file = HM_TRY(AtomicFile::Create(target, force, readers));
  HM_TRY(file.Write(AsBytes(text)));
  return file.Commit();
}

}  // namespace hallmark
