#include "sign/keys/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace hallmark {
namespace {

namespace fs = std::filesystem;

Error SystemError(const fs::path& path, const char* call) {
  return Error{errno == ENOENT ? Errc::kNotFound : Errc::kIo, path.string(),
               fmt::format("{}: {}", call, std::strerror(errno))};
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int Get() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<void> CheckPrivate(const struct stat& info, const fs::path& path) {
  if (!S_ISREG(info.st_mode)) return Error{Errc::kIo, path.string(), "it is no regular file"};
  if ((info.st_mode & 077) != 0) {
    return Error{Errc::kUntrusted, path.string(),
                 fmt::format("others than its owner may use this secret: its mode is {:04o}",
                             info.st_mode & 07777),
                 std::nullopt, fmt::format("chmod 600 {}", path.string())};
  }
  if (static_cast<std::uint64_t>(info.st_size) > kMaxSecretFileBytes) {
    return Error{Errc::kUnsupported, path.string(),
                 fmt::format("too large for a key: got {} bytes, limit {}", info.st_size,
                             kMaxSecretFileBytes)};
  }
  return {};
}

Error ExistsError(const fs::path& target) {
  return Error{Errc::kUsage, target.string(), "it exists already, and a key is never replaced",
               std::nullopt, "choose another name, or move it away"};
}

Result<void> WriteAll(int descriptor, ByteSpan bytes, const fs::path& target) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError(target, "write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (fsync(descriptor) != 0) return SystemError(target, "fsync");
  return {};
}

// Neither way replaces what has the name already.
Result<void> GiveName(const std::string& temporary, const fs::path& target) {
  if (link(temporary.c_str(), target.c_str()) == 0) {
    unlink(temporary.c_str());
    return {};
  }
  // Some file systems have no links.
  if (errno != EEXIST &&
      renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
    return {};
  }
  return errno == EEXIST ? ExistsError(target) : SystemError(target, "rename");
}

}  // namespace

Result<Secret> ReadSecretFile(const fs::path& path) {
  // Not blocking, so that a pipe is refused rather than waited for.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.Get() < 0) return SystemError(path, "open");
  struct stat info;
  if (fstat(file.Get(), &info) != 0) return SystemError(path, "stat");
  HM_TRY(CheckPrivate(info, path));
  Secret text(static_cast<std::size_t>(info.st_size));
  for (std::size_t done = 0; done < text.Size();) {
    const ssize_t got = read(file.Get(), text.Bytes().data() + done, text.Size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "read");
    if (got == 0) return Error{Errc::kIo, path.string(), "it was cut short while it was read"};
    done += static_cast<std::size_t>(got);
  }
  return text;
}

Result<void> WriteSecretFile(const fs::path& target, const Secret& text) {
  struct stat info;
  if (lstat(target.c_str(), &info) == 0) return ExistsError(target);
  std::string temporary = target.string() + ".hallmark-XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // of mode 0600
  if (file.Get() < 0) return SystemError(target, "create");
  auto written = WriteAll(file.Get(), text.Bytes(), target);
  if (written) written = GiveName(temporary, target);
  if (!written) {
    unlink(temporary.c_str());
    return written;
  }
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const Descriptor folder(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.Get() >= 0) fsync(folder.Get());
  return {};
}

}  // namespace hallmark
