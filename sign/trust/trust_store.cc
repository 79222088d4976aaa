#include "sign/trust/trust_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "src/base/text.h"
#include "src/io/atomic_file.h"
#include "src/io/directory.h"
#include "src/io/file.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxBytes = 64 << 20;
constexpr std::string_view kSuffix = ".trust.json";

// The slashes of an origin do not become folders.
std::string FileNameOf(std::string_view origin) {
  std::string name;
  for (const char c : origin) name += c == '/' ? std::string("%2F") : std::string(1, c);
  return name + std::string(kSuffix);
}

Error IoError(const fs::path& path, const char* call) {
  return {Errc::kIo, path.string(), fmt::format("{}: {}", call, std::strerror(errno))};
}

// What was trusted and seen is not known any more: to go on without it would let old and forked
// statements through.
Error Damaged(const fs::path& path, const Error& error) {
  return {Errc::kUntrusted, path.string(),
          fmt::format("what is trusted cannot be read: {}", error.message), error.offset,
          "put a copy of it back, or move it away and add the keys again from where you know them"};
}

Result<OriginTrust> ReadTrust(const fs::path& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && (info.st_uid != geteuid() || (info.st_mode & 022) != 0)) {
    return Error{Errc::kUntrusted, path.string(), "someone else may have written it", std::nullopt,
                 "it must be yours, and writable by nobody else"};
  }
  const auto file = OpenFile(path);
  if (!file) return Damaged(path, file.error());
  const auto text = ReadWholeFile(**file, kMaxBytes);
  if (!text) return Damaged(path, text.error());
  auto trust = OriginTrust::Parse(*text, path.string());
  if (!trust) return Damaged(path, trust.error());
  if (FileNameOf(trust->Origin()) != path.filename()) {
    return Damaged(path, Error{Errc::kMalformed, "", "it is of another origin"});
  }
  return trust;
}

// With those above it that are not there; for the user alone.
Result<void> MakeFolder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  if (folder.has_relative_path()) HM_TRY(MakeFolder(folder.parent_path()));
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return IoError(folder, "mkdir");
}

// Whether the store is there at all. What cannot be looked at is not taken for empty.
Result<bool> IsThere(const fs::path& folder) {
  if (folder.empty()) return false;
  struct stat info;
  if (stat(folder.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode) && info.st_uid == geteuid() && (info.st_mode & 022) == 0) return true;
    return Error{Errc::kUntrusted, folder.string(), "someone else may have written to it",
                 std::nullopt, "it must be a folder of yours, and writable by nobody else"};
  }
  if (errno == ENOENT) return false;
  return Damaged(folder, IoError(folder, "stat"));
}

// Holds all other processes off while it lives.
class FolderLock {
 public:
  static Result<FolderLock> Take(const fs::path& folder) {
    HM_TRY(MakeFolder(folder));
    const fs::path path = folder / "lock";
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
      Error error = IoError(path, "open");
      error.hint = "what is accepted has to be remembered; --key checks without a memory";
      return error;
    }
    FolderLock lock(descriptor);
    if (flock(descriptor, LOCK_EX) == 0) return lock;
    if (errno == EINTR) return Error{Errc::kInterrupted, path.string(), "stopped"};
    return IoError(path, "lock");
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

Error NowhereToKeep() {
  return {Errc::kUsage, "trust", "there is nowhere to keep what is trusted", std::nullopt,
          "set XDG_STATE_HOME or HOME"};
}

}  // namespace

fs::path TrustStore::FileOf(std::string_view origin) const { return folder_ / FileNameOf(origin); }

Result<std::vector<OriginTrust>> TrustStore::List() const {
  std::vector<OriginTrust> all;
  if (!HM_TRY(IsThere(folder_))) return all;
  const DirectoryListing listing = HM_TRY(ListFiles(folder_));
  if (!listing.findings.empty()) {
    const Finding& finding = listing.findings.front();
    return Damaged(folder_ / finding.subject, Error{Errc::kIo, "", finding.message});
  }
  for (const DirectoryEntry& file : listing.files) {
    if (file.path.ends_with(kSuffix)) all.push_back(HM_TRY(ReadTrust(file.full_path)));
  }
  std::ranges::sort(all, {}, &OriginTrust::Origin);
  return all;
}

Result<std::optional<OriginTrust>> TrustStore::Find(std::string_view origin) const {
  if (!IsOrigin(origin) || !HM_TRY(IsThere(folder_))) return std::optional<OriginTrust>();
  std::error_code error;
  const fs::path path = FileOf(origin);
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return std::optional<OriginTrust>();
  return std::optional(HM_TRY(ReadTrust(path)));
}

Result<void> TrustStore::Change(const std::string& origin,
                                const std::function<Result<void>(OriginTrust&)>& change) const {
  if (folder_.empty()) return NowhereToKeep();
  if (!IsOrigin(origin)) {
    return Error{Errc::kUsage, EscapeForPeople(origin), "this is no origin", std::nullopt,
                 "an origin is like org/model: letters, digits and ._- between slashes"};
  }
  const FolderLock lock = HM_TRY(FolderLock::Take(folder_));
  std::optional<OriginTrust> known = HM_TRY(Find(origin));
  OriginTrust trust = known ? std::move(*known) : OriginTrust(origin);
  HM_TRY(change(trust));
  return WriteFileAtomically(FileOf(origin), trust.Write(), true, Readers::kOwner);
}

Result<void> TrustStore::Forget(std::string_view origin) const {
  const Error unknown = {Errc::kNotFound, EscapeForPeople(origin), "nothing is trusted of it"};
  if (!HM_TRY(IsThere(folder_))) return unknown;
  std::error_code error;
  const FolderLock lock = HM_TRY(FolderLock::Take(folder_));
  if (!IsOrigin(origin) || !fs::remove(FileOf(origin), error)) return unknown;
  return {};
}

}  // namespace hallmark
