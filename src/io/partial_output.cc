#include "src/io/partial_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "src/io/atomic_file.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

Error IoError(const fs::path& path, std::string_view call, int number) {
  return Error{Errc::kIo, path.string(), fmt::format("{}: {}", call, std::strerror(number))};
}

fs::path ParentOf(const fs::path& target) {
  const fs::path parent = WithoutSlash(target).parent_path();
  return parent.empty() ? "." : parent;
}

void FlushFolder(const fs::path& folder) {
  if (const int at = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); at >= 0) {
    fsync(at);
    close(at);
  }
}

Result<void> RemoveFolder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return IoError(folder, "remove", error.value());
  return {};
}

// A folder of this name that a user made is not taken over, and a link is not followed.
Result<void> CheckItIsOurs(const fs::path& folder) {
  struct stat info;
  if (lstat(folder.c_str(), &info) != 0) return {};
  bool ours = S_ISDIR(info.st_mode);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; ours && !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    ours = name == "lock" || name == "fingerprint" || name == "files" || name == "journal" ||
           name == "changes" || name.starts_with("fingerprint.hallmark-");
    // Nothing of ours lies elsewhere.
    if (name == "files") {
      ours = entry->symlink_status(error).type() == fs::file_type::directory;
    }
  }
  if (ours) return {};
  return Error{Errc::kUsage, folder.string(),
               "it is in the way of unfinished work, and was not made by hallmark", std::nullopt,
               "move it, or choose another output"};
}

}  // namespace

fs::path PartialFolder(const fs::path& target) {
  fs::path folder = WithoutSlash(target);
  folder += ".hallmark-partial";
  return folder;
}

PartialOutput::PartialOutput(fs::path folder, fs::path target, Target kind, bool force, int lock)
    : folder_(std::move(folder)),
      target_(std::move(target)),
      kind_(kind),
      force_(force),
      lock_(lock) {}

PartialOutput::PartialOutput(PartialOutput&& other) noexcept
    : folder_(std::move(other.folder_)),
      target_(std::move(other.target_)),
      kind_(other.kind_),
      force_(other.force_),
      was_interrupted_(other.was_interrupted_),
      keep_(other.keep_),
      lock_(std::exchange(other.lock_, -1)) {}

PartialOutput::~PartialOutput() {
  if (lock_ < 0) return;
  if (!keep_) (void)RemoveFolder(folder_);
  close(lock_);
}

Result<PartialOutput> PartialOutput::Begin(const Request& request) {
  const fs::path target = WithoutSlash(request.target);
  HM_TRY(CheckOutputTarget(target, request.kind, request.force));
  const fs::path folder = PartialFolder(target);
  HM_TRY(CheckItIsOurs(folder));
  const bool is_new = mkdir(folder.c_str(), 0777) == 0;
  if (!is_new && errno != EEXIST) return IoError(folder, "create", errno);
  const fs::path lock_path = folder / "lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (lock < 0) return IoError(lock_path, "open", errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return Error{Errc::kUsage, folder.string(), "another process is writing this output"};
  }
  PartialOutput output(folder, target, request.kind, request.force, lock);

  const fs::path name_path = folder / "fingerprint";
  if (request.discard) {  // only now that nobody else is at it
    std::error_code error;
    fs::remove(name_path, error);
    if (error) return IoError(name_path, "remove", error.value());
  }
  if (std::error_code ignored; fs::exists(name_path, ignored)) {
    output.keep_ = true;  // it is not ours to remove
    const auto file = HM_TRY(OpenFile(name_path));
    if (HM_TRY(ReadWholeFile(*file, 4096)) != request.fingerprint) {
      return Error{Errc::kUsage, folder.string(),
                   "it holds interrupted work on this output, but of another command or input",
                   std::nullopt, "run that command again to go on, or pass --discard to remove it"};
    }
    output.keep_ = false;
    output.was_interrupted_ = true;
    return output;
  }
  // Nothing that counts was done before the fingerprint was there.
  std::error_code error;
  fs::remove_all(output.Files(), error);
  fs::remove(output.Journal(), error);
  if (!fs::create_directory(output.Files(), error)) {
    return IoError(output.Files(), "create", error.value());
  }
  HM_TRY(WriteFileAtomically(name_path, request.fingerprint, /*force=*/false));
  return output;
}

Result<void> PartialOutput::Commit() {
  HM_TRY(CheckOutputTarget(target_, kind_, force_));
  HM_TRY(kind_ == Target::kFile ? CommitFile() : CommitFolder());
  FlushFolder(ParentOf(target_));
  const int lock = std::exchange(lock_, -1);
  const Result<void> removed = RemoveFolder(folder_);
  close(lock);
  return removed;
}

Result<void> PartialOutput::CommitFile() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(Files())) files.push_back(entry.path());
  HM_CHECK(files.size() == 1);
  // link() refuses an existing target, so two writers cannot overwrite each other; some file
  // systems have none, there the check before must do.
  if (!force_ && link(files[0].c_str(), target_.c_str()) == 0) return {};
  if (!force_) HM_TRY(CheckOutputTarget(target_, kind_, false));
  if (rename(files[0].c_str(), target_.c_str()) != 0) return IoError(target_, "rename", errno);
  return {};
}

Result<void> PartialOutput::CommitFolder() {
  FlushFolder(Files());
  // rename() replaces an empty folder, and no other.
  if (rename(Files().c_str(), target_.c_str()) == 0) return {};
  if (!force_ || (errno != ENOTEMPTY && errno != EEXIST)) {
    return IoError(target_, "rename", errno);
  }
  for (const auto& entry : fs::recursive_directory_iterator(Files())) {
    const fs::path to = target_ / entry.path().lexically_relative(Files());
    if (entry.is_directory()) {
      std::error_code error;
      if (fs::is_symlink(fs::symlink_status(to, error))) {
        return Error{Errc::kUsage, to.string(), "the output would go through this link elsewhere",
                     std::nullopt, "remove the link, or choose another output"};
      }
      fs::create_directory(to, error);
      if (error) return IoError(to, "create", error.value());
    } else if (rename(entry.path().c_str(), to.c_str()) != 0) {
      return IoError(to, "rename", errno);
    }
  }
  FlushFolder(target_);
  return {};
}

fs::path WithoutSlash(fs::path target) {
  while (!target.has_filename() && target.has_parent_path() && target != target.root_path()) {
    target = target.parent_path();
  }
  return target;
}

Result<void> CheckOutputTarget(const fs::path& path, PartialOutput::Target kind, bool force) {
  const fs::path target = WithoutSlash(path);
  if (std::error_code ignored; !fs::is_directory(ParentOf(target), ignored)) {
    return Error{Errc::kUsage, ParentOf(target).string(), "there is no such folder to write into",
                 std::nullopt, "make it first, or choose another output"};
  }
  if (kind == PartialOutput::Target::kFile) {
    if (path.has_filename()) return CheckTarget(target, force);
    return Error{Errc::kUsage, path.string(), "the output is one file, and this names a folder",
                 std::nullopt, "name the file"};
  }
  struct stat info;
  if (lstat(target.c_str(), &info) != 0) return {};
  if (!S_ISDIR(info.st_mode)) {
    return Error{Errc::kUsage, target.string(), "the output is a folder, but a file has this name",
                 std::nullopt, "choose another name"};
  }
  std::error_code error;
  if (force || fs::is_empty(target, error)) return {};
  return Error{Errc::kUsage, target.string(), "the output exists already and is not empty",
               std::nullopt,
               "choose another name, or pass --force to put the files into it, over those of "
               "the same names"};
}

Result<void> CheckFreeSpace(const fs::path& target, std::uint64_t bytes) {
  struct statvfs info;
  const fs::path folder = ParentOf(target);
  if (statvfs(folder.c_str(), &info) != 0) return IoError(folder, "statvfs", errno);
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (free >= bytes) return {};
  return Error{Errc::kIo, folder.string(),
               fmt::format("no room for the output: got {} free, need {}", HumanBytes(free),
                           HumanBytes(bytes)),
               std::nullopt, "free some space, or choose a folder on another disk"};
}

}  // namespace hallmark
