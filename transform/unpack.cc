#include "transform/unpack.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/atomic_file.h"
#include "transform/base_files.h"
#include "transform/in_order.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

// A directory beside a target, for what is not whole yet. Goes away with the object.
class StagingFolder {
 public:
  static Result<StagingFolder> Create(const fs::path& target) {
    fs::path plain = target;
    if (!plain.has_filename()) plain = plain.parent_path();  // "out/"
    std::string pattern = plain.string() + ".hallmark-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return Error{Errc::kIo, target.string(), fmt::format("create: {}", std::strerror(errno))};
    }
    const mode_t mask = umask(0);
    umask(mask);
    chmod(pattern.c_str(), 0777 & ~mask);
    return StagingFolder(pattern);
  }
  StagingFolder(StagingFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  StagingFolder& operator=(StagingFolder&&) = delete;
  ~StagingFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  const fs::path& Path() const { return path_; }

  // Gives all that is in it its final place. An existing target keeps its other files.
  Result<void> MoveTo(const fs::path& target, std::span<const OriginalFile> files) {
    std::error_code failure;
    if (!fs::exists(target, failure)) {
      fs::rename(path_, target, failure);
      if (!failure) path_.clear();
      return Check(failure, target);
    }
    for (const OriginalFile& file : files) {
      const fs::path to = target / file.path;
      fs::create_directories(to.parent_path(), failure);
      if (!failure) fs::rename(path_ / file.path, to, failure);
      HM_TRY(Check(failure, to));
    }
    return {};
  }

 private:
  explicit StagingFolder(fs::path path) : path_(std::move(path)) {}

  static Result<void> Check(const std::error_code& failure, const fs::path& path) {
    if (!failure) return {};
    return Error{Errc::kIo, path.string(), "rename: " + failure.message()};
  }

  fs::path path_;
};

Result<void> CheckFolderTarget(const fs::path& target, bool force) {
  std::error_code ignored;
  if (force && fs::is_directory(target, ignored)) return {};
  return CheckTarget(target, force);
}

Result<std::uint64_t> TotalSize(const PackedIndex& index, const std::string& subject) {
  std::uint64_t sum = 0;
  for (const PackedMember& member : index.members) {
    const auto total = CheckedAdd(sum, member.file.size);
    if (!total) return Error{Errc::kMalformed, subject, "its files claim 2^64 bytes or more"};
    sum = *total;
  }
  return sum;
}

Result<void> CheckSpace(const fs::path& folder, const fs::path& target, std::uint64_t needed) {
  std::error_code failure;
  const fs::space_info space = fs::space(folder, failure);
  if (failure || space.available >= needed) return {};
  return Error{Errc::kIo, target.string(),
               fmt::format("{} bytes are needed, {} are free", needed, space.available),
               std::nullopt, "free some space, or choose a target on another disk"};
}

Result<void> UnpackMember(const File& packed, const PackedIndex& index, const BaseFiles& base,
                          const PackedMember& member, const fs::path& to, const Task& task) {
  std::error_code failure;
  fs::create_directories(to.parent_path(), failure);
  if (failure) return Error{Errc::kIo, to.parent_path().string(), failure.message()};
  AtomicFile out = HM_TRY(AtomicFile::Create(to, false));
  const std::size_t count = member.frames.size();
  std::vector<TreeNode> roots(count);
  const auto make = [&](std::uint64_t i, std::vector<std::byte>* bytes) -> Result<void> {
    bytes->resize(std::min(kPackedFrameBytes, member.file.size - i * kPackedFrameBytes));
    HM_TRY(ReadPackedFrame(packed, index, base, member, i, *bytes));
    roots[i] = FrameRoot(*bytes, count == 1);
    task.Advance(bytes->size());
    return {};
  };
  const auto take = [&](std::uint64_t, ByteSpan bytes) { return out.Write(bytes); };
  HM_TRY(MakeInOrder(task, count, make, take));
  if (RootOfFrames(roots) != member.file.root) {
    return Error{Errc::kMalformed, packed.Name(),
                 fmt::format("{}: what it unpacks to is not what was packed: its tree is {}, {} "
                             "was packed",
                             EscapeForPeople(member.file.path), ToHex(RootOfFrames(roots)),
                             ToHex(member.file.root)),
                 std::nullopt, "get the packed file again"};
  }
  HM_TRY(task.CheckStopped());
  return out.Commit();
}

}  // namespace

Result<UnpackReport> Unpack(const fs::path& packed_path, const fs::path& target,
                            const UnpackOptions& options, const Task& task) {
  HM_TRY(CheckFolderTarget(target, options.force));
  const std::unique_ptr<File> packed = HM_TRY(OpenFile(packed_path));
  const PackedIndex index = HM_TRY(ReadPackedIndex(*packed));
  UnpackReport report{.packed_size = packed->Size()};
  report.size = HM_TRY(TotalSize(index, packed->Name()));
  if (!index.base.empty() && !options.base) {
    return Error{
        Errc::kUsage, packed->Name(),
        fmt::format("packed as the difference to {}{}", EscapeForPeople(index.base.front().path),
                    index.base.size() > 1 ? " and other files" : ""),
        std::nullopt, "give the model it was packed against with --base"};
  }
  BaseFiles base;
  if (!index.base.empty()) {
    std::uint64_t bytes = 0;
    for (const OriginalFile& file : index.base) {
      bytes = CheckedAdd(bytes, file.size).value_or(UINT64_MAX);
    }
    task.Begin("checking the base", bytes, index.base.size());
    base = HM_TRY(OpenBaseFiles(index.base, *options.base, task));
  }
  StagingFolder staging = HM_TRY(StagingFolder::Create(target));
  HM_TRY(CheckSpace(staging.Path(), target, report.size));
  task.Begin("unpacking", report.size, index.members.size());
  for (const PackedMember& member : index.members) {
    HM_TRY(UnpackMember(*packed, index, base, member, staging.Path() / member.file.path, task));
    task.FileDone(member.file.path);
    report.files.push_back(member.file);
  }
  HM_TRY(packed->CheckUnchanged());
  for (const auto& file : base) HM_TRY(file->CheckUnchanged());
  HM_TRY(staging.MoveTo(target, report.files));
  return report;
}

}  // namespace hallmark
