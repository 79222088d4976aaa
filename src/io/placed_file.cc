#include "src/io/placed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hallmark {
namespace {

Error SystemError(const std::filesystem::path& path, const char* call) {
  return Error{Errc::kIo, path.string(), fmt::format("{}: {}", call, std::strerror(errno))};
}

}  // namespace

Result<PlacedFile> PlacedFile::Open(const std::filesystem::path& path, int flags) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
  if (descriptor < 0) return SystemError(path, "open");
  return PlacedFile(descriptor, path);
}

PlacedFile::~PlacedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<void> PlacedFile::Reserve(std::uint64_t size) const {
  HM_TRY(Truncate(size));
  if (size == 0) return {};
  if (fallocate(descriptor_, 0, 0, static_cast<off_t>(size)) != 0 && errno == ENOSPC) {
    return SystemError(path_, "reserve");
  }
  return {};
}

Result<void> PlacedFile::Truncate(std::uint64_t size) const {
  if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return SystemError(path_, "truncate");
  return {};
}

void PlacedFile::BeginFlushing(std::uint64_t offset, std::uint64_t size) const {
  sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size),
                  SYNC_FILE_RANGE_WRITE);
}

Result<void> PlacedFile::Write(std::uint64_t offset, ByteSpan bytes) const {
  // As much as the usual tools write at once: for more, Linux caches the file in larger units,
  // for which memory is often not at hand.
  constexpr std::size_t kAtOnce = 128 * 1024;
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kAtOnce);
    const ssize_t n = pwrite(descriptor_, bytes.data(), size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return SystemError(path_, "write");
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> PlacedFile::Append(ByteSpan bytes) const { return Write(HM_TRY(Size()), bytes); }

Result<void> PlacedFile::Read(std::uint64_t offset, MutableByteSpan out) const {
  while (!out.empty()) {
    const ssize_t n = pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path_, "read");
    if (n == 0) return Error{Errc::kIo, path_.string(), "it became shorter", offset};
    offset += static_cast<std::uint64_t>(n);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::uint64_t> PlacedFile::Size() const {
  const off_t end = lseek(descriptor_, 0, SEEK_END);
  if (end < 0) return SystemError(path_, "seek");
  return static_cast<std::uint64_t>(end);
}

Result<void> PlacedFile::Flush() const {
  if (fsync(descriptor_) != 0) return SystemError(path_, "fsync");
  return {};
}

}  // namespace hallmark
