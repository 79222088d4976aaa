#include "verify/repair/mend.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hash_sources.h"
#include "src/io/directory.h"
#include "src/io/disk.h"
#include "src/io/partial_output.h"
#include "verify/repair/mend_journal.h"
#include "verify/repair/prove.h"
#include "verify/repair/whole_output.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;  // what a disk writes at once, or a part of it

constexpr std::string_view kInPlace = "repair in place ";  // begins the fingerprint of such work

// One spelling for every way to name a copy: what was left beside it is found again.
// A file keeps its own name, should it be a link.
Result<fs::path> RealPath(const fs::path& copy) {
  std::error_code error, ignored;
  const bool is_folder = fs::is_directory(copy, ignored);
  const fs::path named = fs::absolute(WithoutSlash(copy));
  fs::path real = fs::canonical(is_folder ? named : named.parent_path(), error);
  if (!is_folder) real /= named.filename();
  if (error) return Error{Errc::kNotFound, copy.string(), error.message()};
  return real;
}

bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path RootOf(const fs::path& copy) { return IsFolder(copy) ? copy : copy.parent_path(); }

PartialOutput::Target KindOf(const fs::path& copy) {
  return IsFolder(copy) ? PartialOutput::Target::kFolder : PartialOutput::Target::kFile;
}

// What a file that is to be replaced was; empty: it is not there.
std::string StampText(const fs::path& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return {};
  return fmt::format("{} {} {}.{:09} {}.{:09}", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

// The blocks that hold the patches, neighbours merged.
std::vector<ByteRange> BlocksOf(std::vector<Patchwork::Patch> patches, std::uint64_t size) {
  std::ranges::sort(patches, {}, [](const Patchwork::Patch& p) { return p.range.offset; });
  std::vector<ByteRange> blocks;
  for (const Patchwork::Patch& patch : patches) {
    const std::uint64_t begin = patch.range.offset / kBlock * kBlock;
    const std::uint64_t end = std::min(size, (patch.range.End() - 1) / kBlock * kBlock + kBlock);
    if (!blocks.empty() && blocks.back().End() >= begin) {
      blocks.back().size = std::max(end, blocks.back().End()) - blocks.back().offset;
    } else {
      blocks.push_back({begin, end - begin});
    }
  }
  return blocks;
}

// A file with the blocks of a journal in it.
std::shared_ptr<const Patchwork> WithBlocks(std::shared_ptr<const BlockSource> file,
                                            const MendJournal& journal, std::size_t change) {
  std::vector<Patchwork::Patch> patches;
  std::uint64_t at = 0;
  for (const ByteRange& block : journal.Changes()[change].blocks) {
    patches.push_back({block, journal.BytesOf(change), at});
    at += block.size;
  }
  return PutOver(std::move(file), journal.Changes()[change].size, std::move(patches));
}

// No file is changed or made behind a link.
Result<void> CheckFolders(const fs::path& root, const std::string& path) {
  fs::path at = root;
  for (const fs::path& part : fs::path(path).parent_path()) {
    at /= part;
    std::error_code ignored;
    const fs::file_status status = fs::symlink_status(at, ignored);
    if (!fs::exists(status) || fs::is_directory(status)) continue;
    return Error{Errc::kUsage, at.string(), "it is no folder, or a link to one", std::nullopt,
                 "write a mended copy with -o"};
  }
  return {};
}

// Whether what is to be done to `path` can be done, before anything is.
Result<void> CheckCanChange(const fs::path& path, bool is_replaced) {
  const auto cannot = [&](std::string why) {
    return Error{Errc::kUsage, path.string(), std::move(why), std::nullopt,
                 "write a mended copy with -o"};
  };
  constexpr std::size_t kLongestName = 255, kLongestPath = 4000;
  if (path.native().size() > kLongestPath) return cannot("its path is too long");
  for (const fs::path& part : path) {
    if (part.native().size() > kLongestName) return cannot("its name is too long");
  }
  if (!is_replaced) {
    if (access(path.c_str(), W_OK) == 0) return {};
    return cannot(fmt::format("it cannot be written: {}", std::strerror(errno)));
  }
  std::error_code ignored;
  if (fs::is_directory(fs::symlink_status(path, ignored))) {
    return cannot("a folder has the name of the file");
  }
  fs::path folder = path.parent_path();
  while (!fs::exists(folder, ignored) && folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  if (access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return cannot(fmt::format("its folder cannot be written: {}", std::strerror(errno)));
}

class InPlace {
 public:
  InPlace(const RepairPlan& plan, fs::path copy, bool discard, const Task& task)
      : plan_(plan), copy_(std::move(copy)), discard_(discard), task_(task), root_(RootOf(copy_)) {}

  Result<MendReport> Run() {
    HM_TRY(Decide());
    MendReport report;
    if (files_.empty()) {
      ClearUp();
      return report;
    }
    PartialOutput work = HM_TRY(PartialOutput::Begin({.target = copy_,
                                                      .kind = KindOf(copy_),
                                                      .force = true,
                                                      .discard = discard_,
                                                      .fingerprint = Fingerprint()}));
    HM_TRY(CheckOneDisk(work.Folder()));
    HM_TRY(CheckFreeSpace(copy_, bytes_needed_));
    Result<void> written = WriteReplacements(work);
    if (!written) {
      if (written.error().code == Errc::kInterrupted) work.Keep();
      return std::move(written).error();
    }
    const auto disk = RealDisk();
    MendJournal journal = HM_TRY(MendJournal::Write(*disk, work.Folder(), changes_, contents_));
    std::vector<Digest> trees = HM_TRY(ProveJournal(work, journal));
    HM_TRY(task_.CheckStopped());
    // From here on the way is forward only.
    Result<void> done = journal.Decide(*disk, std::move(trees));
    if (done) done = journal.Apply(*disk, root_);
    if (!done) {
      work.Keep();
      Error error = std::move(done).error();
      error.hint =
          "mend the cause and run the command again: it goes on where this one stopped; or pass "
          "--discard to leave the files as they are now";
      return error;
    }
    HM_TRY(Check(&report));
    HM_TRY(journal.Forget(*disk));
    return report;
  }

 private:
  // What an interrupted repair left, if there is nothing left to do; also where only the folder is
  // left, and nothing in it that says whose it was.
  void ClearUp() const {
    const fs::path folder = PartialFolder(copy_);
    if (!RealDisk()->Has(folder)) return;
    const auto name = OpenFile(folder / "fingerprint");
    if (!name && name.error().code != Errc::kNotFound) return;
    if (name) {
      const auto text = ReadWholeFile(**name, 4096);
      if (!text || !text->starts_with(kInPlace)) return;
    }
    // It goes away with the object; if another process is at it, it stays.
    (void)PartialOutput::Begin({.target = copy_,
                                .kind = KindOf(copy_),
                                .force = true,
                                .discard = true,
                                .fingerprint = kInPlace});
  }

  // What becomes of each file.
  Result<void> Decide() {
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      const PlannedFile& file = plan_.files[i];
      const bool is_here = file.size_before.has_value();
      const bool is_resized = file.CanBeWhole() && is_here && *file.size_before != *file.size;
      const bool is_made = file.CanBeWhole() && !is_here;
      if (file.patches.empty() && !is_resized && !is_made) continue;
      if (!file.CanBeWhole() && !is_here) continue;
      FileChange change;
      change.path = file.path;
      change.size = file.CanBeWhole() ? *file.size : *file.size_before;
      bool is_replaced = is_made || (file.CanBeWhole() && file.MendedBytes() > change.size / 2);
      if (is_here) HM_TRY(FindTarget(file, &change.path, &is_replaced));
      const fs::path path = root_ / change.path;
      if (std::error_code ignored; !is_here && fs::exists(fs::symlink_status(path, ignored))) {
        return Error{Errc::kUsage, path.string(),
                     "a file has to be made, and there is one of this name that is not listed, or "
                     "could not be read",
                     std::nullopt, "move it, or write a mended copy with -o"};
      }
      HM_TRY(CheckName(change.path));
      HM_TRY(CheckFolders(root_, change.path));
      HM_TRY(CheckCanChange(path, is_replaced));
      std::shared_ptr<const BlockSource> contents = PutOver(file.ours, change.size, file.patches);
      if (is_replaced) {
        change.replacement = fmt::format("{}", files_.size());
        change.before = StampText(path);
        bytes_needed_ += change.size;
      } else {
        change.blocks = BlocksOf(file.patches, change.size);
        for (const ByteRange& block : change.blocks) bytes_needed_ += block.size;
        bytes_needed_ += change.size - std::min(change.size, *file.size_before);
      }
      files_.push_back(i);
      changes_.push_back(std::move(change));
      contents_.push_back(std::move(contents));
    }
    return CheckAgainstEachOther();
  }

  // Which file is to change, and whether only by putting another in its place: what is changed must
  // be part of the copy, and of nothing else.
  Result<void> FindTarget(const PlannedFile& file, std::string* path, bool* is_replaced) const {
    std::error_code error;
    const fs::path named = root_ / file.path;
    const fs::path real = fs::canonical(named, error);
    const std::string inside = real.lexically_relative(root_).string();
    if (error || inside.empty() || inside.starts_with("..")) {
      return Error{Errc::kUsage, named.string(),
                   "it is a link to a file outside of the copy, which is not changed", std::nullopt,
                   "name the folder that holds the file itself, or write a mended copy with -o"};
    }
    struct stat info;
    if (stat(named.c_str(), &info) != 0 || file.ours == nullptr ||
        info.st_ino != file.ours->Stamp().inode || info.st_dev != file.ours->Stamp().device) {
      return Error{Errc::kIo, named.string(), "it is no longer the file that was looked at",
                   std::nullopt, "run the command again once nobody writes to the copy"};
    }
    if (info.st_nlink > 1) *is_replaced = true;
    // Another listed file is the same one by a link, and must stay what it is.
    if (Names(info.st_dev, info.st_ino) > 1) {
      *is_replaced = true;
      return {};
    }
    *path = inside;
    return {};
  }

  // How many listed files of the copy lead to this one.
  std::size_t Names(dev_t device, ino_t inode) const {
    if (names_.empty()) {
      std::set<std::string> seen;
      for (const FileVerdict& row : plan_.found.files) {
        struct stat info;
        if (row.path.empty() || row.listed_as.empty() || !seen.insert(row.path).second) continue;
        if (stat((root_ / row.path).c_str(), &info) == 0) ++names_[{info.st_dev, info.st_ino}];
      }
    }
    const auto found = names_.find({device, inode});
    return found == names_.end() ? 0 : found->second;
  }

  // None of the files is a folder of another.
  Result<void> CheckAgainstEachOther() const {
    std::set<std::string> paths;
    for (const FileChange& change : changes_) paths.insert(change.path);
    for (const std::string& path : paths) {
      for (fs::path folder = fs::path(path).parent_path(); !folder.empty();
           folder = folder.parent_path()) {
        if (!paths.contains(folder.string())) continue;
        return Error{Errc::kUsage, (root_ / path).string(),
                     "the source lists a file and, as a folder, the same name again", std::nullopt,
                     "name another source"};
      }
    }
    return {};
  }

  Result<void> CheckName(const std::string& path) const {
    const Result<std::string> safe = CheckRelativePath(path);
    if (safe && *safe == path && IsValidUtf8(path)) return {};
    return Error{Errc::kUnsupported, (root_ / path).string(),
                 "a file of such a name is not mended in place", std::nullopt,
                 "write a mended copy with -o"};
  }

  Result<void> CheckOneDisk(const fs::path& folder) const {
    struct stat work, place;
    if (stat(folder.c_str(), &work) != 0) return {};
    for (const FileChange& change : changes_) {
      fs::path at = (root_ / change.path).parent_path();
      while (stat(at.c_str(), &place) != 0 && at != at.parent_path()) at = at.parent_path();
      if (place.st_dev == work.st_dev) continue;
      return Error{Errc::kUsage, at.string(),
                   "it is on another disk than the folder beside the copy, where changes are "
                   "written down first",
                   std::nullopt, "write a mended copy with -o"};
    }
    return {};
  }

  std::string Fingerprint() const {
    std::string text = "repair";
    for (const FileChange& change : changes_) {
      const PlannedFile& file = plan_.files[files_[&change - changes_.data()]];
      text += fmt::format(" {} {} {}", change.path, change.size, change.replacement.has_value());
      for (const Digest& digest : file.digests) text += " " + digest.ToString();
      if (file.ours == nullptr) continue;
      const FileStamp& stamp = file.ours->Stamp();
      text += fmt::format(" {} {} {}", stamp.inode, stamp.size, stamp.modified_ns);
    }
    return std::string(kInPlace) + HashBytes(Algorithm::kSha256, AsBytes(text)).Hex();
  }

  Result<void> WriteReplacements(const PartialOutput& work) const {
    std::vector<OutputFile> outputs;
    std::uint64_t bytes = 0;
    for (std::size_t c = 0; c < changes_.size(); ++c) {
      if (!changes_[c].replacement) continue;
      outputs.push_back(WholeOutput(*changes_[c].replacement, *contents_[c]));
      bytes += changes_[c].size;
    }
    if (outputs.empty()) return {};
    task_.Begin("writing anew", bytes, outputs.size());
    const std::vector<WrittenFile> written = HM_TRY(WriteFiles(outputs, work, task_));
    for (std::size_t c = 0; c < changes_.size(); ++c) {
      const PlannedFile& file = plan_.files[files_[c]];
      if (!changes_[c].replacement || !file.size_before) continue;
      // Whose it is, and who may read it, stays as it was, as far as we may say so.
      struct stat info;
      if (stat((root_ / changes_[c].path).c_str(), &info) == 0) {
        (void)!chown((work.Files() / *changes_[c].replacement).c_str(), info.st_uid, info.st_gid);
        (void)chmod((work.Files() / *changes_[c].replacement).c_str(), info.st_mode & 07777);
      }
    }
    return FlushFiles(written, work);
  }

  // Of what was written down, not of what it was made of. The trees of the files as they will be.
  Result<std::vector<Digest>> ProveJournal(const PartialOutput& work,
                                           const MendJournal& journal) const {
    std::vector<std::shared_ptr<const BlockSource>> all = plan_.proof.files;
    std::vector<const PlannedFile*> files;
    std::vector<std::shared_ptr<const BlockSource>> bytes;
    for (std::size_t c = 0; c < changes_.size(); ++c) {
      const FileChange& change = changes_[c];
      const PlannedFile& file = plan_.files[files_[c]];
      files.push_back(&file);
      if (change.replacement) {
        bytes.push_back(HM_TRY(DiskBytes::Open(work.Files() / *change.replacement)));
      } else {
        bytes.push_back(WithBlocks(file.ours, journal, c));
      }
      all[files_[c]] = bytes.back();
    }
    HM_TRY(Prove(plan_.proof, all, task_));
    HashedContents hashed = HM_TRY(HashContents(files, bytes, task_));
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (hashed.right[i] || !files[i]->CanBeWhole()) continue;
      return Error{Errc::kIo, files[i]->path,
                   "mended it would not have all the digests that are listed of it", std::nullopt,
                   "nothing was changed; run the command again once nobody writes to the donors"};
    }
    for (const std::size_t f : files_) {
      if (plan_.files[f].ours != nullptr) HM_TRY(plan_.files[f].ours->CheckUnchanged());
    }
    return std::move(hashed.trees);
  }

  // What is in the files now.
  Result<void> Check(MendReport* report) const {
    std::vector<const PlannedFile*> files;
    std::vector<std::shared_ptr<const BlockSource>> bytes;
    for (std::size_t c = 0; c < changes_.size(); ++c) {
      const PlannedFile& file = plan_.files[files_[c]];
      report->files.push_back({file.path, false});
      if (changes_[c].replacement) {
        report->bytes_written += changes_[c].size;
      } else {
        for (const ByteRange& block : changes_[c].blocks) report->bytes_written += block.size;
      }
      files.push_back(&file);
      bytes.push_back(HM_TRY(DiskBytes::Open(root_ / changes_[c].path)));
    }
    const Task unstoppable{.threads = task_.threads, .progress = task_.progress};
    const std::vector<bool> right = HM_TRY(HashContents(files, bytes, unstoppable)).right;
    for (std::size_t i = 0; i < right.size(); ++i) {
      report->files[i].is_whole = files[i]->CanBeWhole() && right[i];
    }
    // Files of which only pieces have digests.
    std::vector<std::shared_ptr<const BlockSource>> now = plan_.proof.files;
    std::map<std::size_t, std::size_t> by_file;  // without digests of their own; index into bytes
    for (std::size_t i = 0; i < files_.size(); ++i) {
      now[files_[i]] = bytes[i];
      if (files[i]->digests.empty()) by_file.emplace(files_[i], i);
    }
    const auto is_of = [&](const CheckedSpan::Segment& segment) {
      return segment.file && by_file.contains(*segment.file);
    };
    const std::vector<char> wrong = HM_TRY(WrongSpans(
        plan_.proof.spans, now,
        [&](const CheckedSpan& span) { return std::ranges::any_of(span.segments, is_of); },
        unstoppable));
    for (std::size_t s = 0; s < wrong.size(); ++s) {
      if (wrong[s] == 0) continue;
      for (const CheckedSpan::Segment& segment : plan_.proof.spans[s].segments) {
        if (is_of(segment)) report->files[by_file.at(*segment.file)].is_whole = false;
      }
    }
    return {};
  }

  const RepairPlan& plan_;
  const fs::path copy_;
  const bool discard_;
  const Task& task_;
  const fs::path root_;
  std::vector<std::size_t> files_;                            // of the plan
  std::vector<FileChange> changes_;                           // parallel to files_
  std::vector<std::shared_ptr<const BlockSource>> contents_;  // parallel to files_
  std::uint64_t bytes_needed_ = 0;
  mutable std::map<std::pair<dev_t, ino_t>, std::size_t> names_;  // of listed files
};

// Whether the files are those that the journal was decided for, each before or after its change:
// somebody may have put others there since.
Result<void> CheckStillTheSame(const PartialOutput& work, const MendJournal& journal,
                               const fs::path& root, const Task& task) {
  const auto other = [](const fs::path& path) {
    return Error{Errc::kUsage, path.string(),
                 "it is not what it was when its repair was decided and cut short", std::nullopt,
                 "pass --discard to forget that repair and begin anew"};
  };
  const auto is_right = [&](std::shared_ptr<const BlockSource> bytes,
                            std::size_t change) -> Result<bool> {
    if (bytes->Size() != journal.Changes()[change].size) return false;
    const HashRequest request{bytes.get(), {Algorithm::kTree}};
    bool right = false;
    HM_TRY(HashSources({&request, 1}, task, [&](std::size_t, Result<HashOutcome> outcome) {
      right = outcome && outcome->digests.front() == journal.Trees()[change];
      return Result<void>();
    }));
    return right;
  };
  for (std::size_t c = 0; c < journal.Changes().size(); ++c) {
    const FileChange& change = journal.Changes()[c];
    const fs::path path = root / change.path;
    HM_TRY(CheckFolders(root, change.path));
    if (!change.replacement) {
      struct stat info;
      if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
        return other(path);
      }
      const auto file = DiskBytes::Open(path);
      if (!file || !HM_TRY(is_right(WithBlocks(*file, journal, c), c))) return other(path);
      continue;
    }
    const auto comes = DiskBytes::Open(work.Files() / *change.replacement);
    if (comes) {
      if (StampText(path) != change.before || !HM_TRY(is_right(*comes, c))) return other(path);
    } else {
      const auto came = DiskBytes::Open(path);
      if (!came || !HM_TRY(is_right(*came, c))) return other(path);
    }
  }
  return {};
}

}  // namespace

Result<bool> HasInterruptedMend(const fs::path& copy) {
  const Result<fs::path> real = RealPath(copy);
  if (!real) return false;  // whoever reads it says why
  const auto disk = RealDisk();
  return HM_TRY(MendJournal::Find(*disk, PartialFolder(*real))).has_value();
}

Result<void> FinishInterruptedMend(const fs::path& path, const Task& task) {
  const fs::path copy = HM_TRY(RealPath(path));
  const fs::path folder = PartialFolder(copy), root = RootOf(copy);
  const auto disk = RealDisk();
  const auto name = OpenFile(folder / "fingerprint");
  if (!name) {
    Error error = name.error();
    error.hint = "pass --discard to forget the repair that was cut short";
    return error;
  }
  const std::string fingerprint = HM_TRY(ReadWholeFile(**name, 4096));
  PartialOutput work = HM_TRY(PartialOutput::Begin(
      {.target = copy, .kind = KindOf(copy), .force = true, .fingerprint = fingerprint}));
  work.Keep();
  const auto journal = HM_TRY(MendJournal::Find(*disk, folder));
  HM_CHECK(journal.has_value());  // found before; and nobody else is at it
  HM_TRY(CheckStillTheSame(work, *journal, root, task));
  HM_TRY(journal->Apply(*disk, root));
  HM_TRY(journal->Forget(*disk));
  work.Remove();
  return {};
}

Result<MendReport> MendInPlace(const RepairPlan& plan, const MendOptions& options,
                               const Task& task) {
  return InPlace(plan, HM_TRY(RealPath(options.copy)), options.discard, task).Run();
}

}  // namespace hallmark
