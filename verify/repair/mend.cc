#include "verify/repair/mend.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <system_error>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hash_sources.h"
#include "src/io/disk.h"
#include "src/io/partial_output.h"
#include "transform/write_files.h"
#include "verify/copy.h"
#include "verify/repair/mend_journal.h"
#include "verify/repair/solve_span.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;  // what a disk writes at once, or a part of it

fs::path RootOf(const fs::path& copy) {
  fs::path root = fs::is_directory(copy) ? WithoutSlash(copy) : copy.parent_path();
  return root.empty() ? "." : root;
}

PartialOutput::Target KindOf(const fs::path& copy) {
  return fs::is_directory(copy) ? PartialOutput::Target::kFolder : PartialOutput::Target::kFile;
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

OutputFile WholeOutput(std::string name, const BlockSource& contents) {
  OutputFile output;
  output.path = std::move(name);
  output.layout.size = contents.Size();
  output.layout.payloads.push_back({0, 0});
  output.payloads.push_back(Borrow(contents));
  return output;
}

// Which spans have their digests in `files`; those that reach beyond one are not looked at, and
// neither are others than those `wanted` says.
Result<std::vector<char>> WrongSpans(const std::vector<CheckedSpan>& spans,
                                     const std::vector<std::shared_ptr<const BlockSource>>& files,
                                     const std::function<bool(const CheckedSpan&)>& wanted,
                                     const Task& task) {
  std::vector<Offers> offers;
  for (const auto& file : files) {
    offers.emplace_back();
    if (file != nullptr) offers.back().push_back(OfferAll("", file));
  }
  const auto is_there = [&](const CheckedSpan::Segment& segment) {
    return !segment.file ||
           (files[*segment.file] != nullptr && segment.range.End() <= files[*segment.file]->Size());
  };
  std::vector<std::size_t> asked;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (!std::ranges::all_of(spans[i].segments, is_there) || !wanted(spans[i])) continue;
    asked.push_back(i);
    bytes = CheckedAdd(bytes, spans[i].Size()).value_or(UINT64_MAX);
  }
  std::vector<char> wrong(spans.size(), 0);
  if (asked.empty()) return wrong;
  task.Begin("proving mended pieces", bytes, 0);
  HM_TRY(ParallelFor(task, asked.size(), [&](std::uint64_t i) -> Result<void> {
    wrong[asked[i]] = HM_TRY(HasDigest(spans[asked[i]], offers, task)) ? 0 : 1;
    task.Advance(spans[asked[i]].Size());
    return {};
  }));
  return wrong;
}

// All spans have their digests in `files`.
Result<void> Prove(const RepairProof& proof,
                   const std::vector<std::shared_ptr<const BlockSource>>& files, const Task& task) {
  const std::vector<char> wrong = HM_TRY(WrongSpans(
      proof.spans, files, [](const CheckedSpan&) { return true; }, task));
  if (std::ranges::find(wrong, 1) == wrong.end()) return {};
  return Error{Errc::kIo, "repair", "a donor no longer gives the bytes it gave before",
               std::nullopt,
               "nothing was changed; run the command again once nobody writes to the donors"};
}

// Which of the files have all the digests listed of them.
Result<std::vector<bool>> HaveTheirDigests(
    const std::vector<const PlannedFile*>& files,
    const std::vector<std::shared_ptr<const BlockSource>>& bytes, const Task& task) {
  std::vector<HashRequest> requests;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    HashRequest& request = requests.emplace_back(HashRequest{bytes[i].get(), {}, files[i]->path});
    for (const Digest& digest : files[i]->digests) {
      request.algorithms.push_back(digest.GetAlgorithm());
    }
    total = CheckedAdd(total, bytes[i]->Size()).value_or(UINT64_MAX);
  }
  std::vector<bool> right(files.size(), false);
  task.Begin("hashing mended files", total, files.size());
  HM_TRY(HashSources(requests, task, [&](std::size_t i, Result<HashOutcome> outcome) {
    right[i] = outcome && outcome->digests == files[i]->digests;
    return Result<void>();
  }));
  return right;
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

class InPlace {
 public:
  InPlace(const RepairPlan& plan, const MendOptions& options, const Task& task)
      : plan_(plan), options_(options), task_(task), root_(RootOf(options.copy)) {}

  Result<MendReport> Run() {
    HM_TRY(Decide());
    MendReport report;
    const bool is_idle = files_.empty();
    if (is_idle && !RealDisk()->Has(PartialFolder(options_.copy))) return report;
    PartialOutput work = HM_TRY(PartialOutput::Begin({.target = options_.copy,
                                                      .kind = KindOf(options_.copy),
                                                      .force = true,
                                                      .discard = options_.discard || is_idle,
                                                      .fingerprint = Fingerprint()}));
    if (is_idle) return report;  // and what an earlier run left goes away
    HM_TRY(CheckOneDisk(work.Folder()));
    HM_TRY(CheckFreeSpace(options_.copy, bytes_beside_));
    Result<void> written = WriteReplacements(work);
    if (!written) {
      if (written.error().code == Errc::kInterrupted) work.Keep();
      return std::move(written).error();
    }
    const auto disk = RealDisk();
    const MendJournal journal =
        HM_TRY(MendJournal::Write(*disk, work.Folder(), changes_, contents_));
    HM_TRY(ProveJournal(work, journal));
    HM_TRY(task_.CheckStopped());
    // From here on the way is forward only.
    if (const auto done = journal.Apply(*disk, root_); !done) {
      work.Keep();
      Error error = done.error();
      error.hint = "mend the cause and run the command again: it goes on where this one stopped";
      return error;
    }
    HM_TRY(Check(&report));
    HM_TRY(journal.Forget(*disk));
    return report;
  }

 private:
  // What becomes of each file.
  Result<void> Decide() {
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      const PlannedFile& file = plan_.files[i];
      const bool is_here = file.size_before.has_value();
      const bool resized = is_here && file.size && *file.size_before != *file.size;
      if (file.CanBeWhole() ? file.patches.empty() && is_here && !resized
                            : file.patches.empty() || !is_here) {
        continue;
      }
      FileChange change;
      change.path = file.path;
      change.size = file.CanBeWhole() ? *file.size : *file.size_before;
      if (is_here) change.path = HM_TRY(InsideCopy(file.path));
      HM_TRY(CheckFolders(root_, change.path));
      std::shared_ptr<const BlockSource> contents = file.contents;
      if (!is_here || (file.CanBeWhole() && file.MendedBytes() > change.size / 2)) {
        change.replacement = fmt::format("{}", files_.size());
        bytes_beside_ += change.size;
      } else {
        std::vector<Patchwork::Patch> patches = file.patches;
        std::erase_if(patches, [&](const Patchwork::Patch& patch) {
          return patch.range.End() > change.size;
        });
        if (patches.empty() && !resized) continue;
        change.blocks = BlocksOf(patches, change.size);
        for (const ByteRange& block : change.blocks) bytes_beside_ += block.size;
        contents = PutOver(file.ours, change.size, std::move(patches));
      }
      files_.push_back(i);
      changes_.push_back(std::move(change));
      contents_.push_back(std::move(contents));
    }
    return {};
  }

  // Where a file really is: what is changed must be part of the copy.
  Result<std::string> InsideCopy(const std::string& path) const {
    std::error_code error;
    const fs::path real = fs::canonical(root_ / path, error);
    const fs::path root = fs::canonical(root_, error);
    const fs::path inside = real.lexically_relative(root);
    if (!error && !inside.empty() && *inside.begin() != "..") return inside.string();
    return Error{Errc::kUsage, (root_ / path).string(),
                 "it is a link to a file outside of the copy, which is not changed", std::nullopt,
                 "name the folder that holds the file itself, or write a mended copy with -o"};
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
    return HashBytes(Algorithm::kSha256, AsBytes(text)).Hex();
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
      // Who may read the file stays as it was.
      struct stat info;
      if (stat((root_ / changes_[c].path).c_str(), &info) == 0) {
        (void)chmod((work.Files() / *changes_[c].replacement).c_str(), info.st_mode & 07777);
      }
    }
    return FlushFiles(written, work);
  }

  // Of what was written down, not of what it was made of.
  Result<void> ProveJournal(const PartialOutput& work, const MendJournal& journal) const {
    std::vector<std::shared_ptr<const BlockSource>> files = plan_.proof.files;
    std::vector<const PlannedFile*> whole;
    std::vector<std::shared_ptr<const BlockSource>> whole_bytes;
    for (std::size_t c = 0; c < changes_.size(); ++c) {
      const FileChange& change = changes_[c];
      const PlannedFile& file = plan_.files[files_[c]];
      std::shared_ptr<const BlockSource> bytes;
      if (change.replacement) {
        bytes = HM_TRY(DiskBytes::Open(work.Files() / *change.replacement));
      } else {
        std::vector<Patchwork::Patch> patches;
        std::uint64_t at = 0;
        for (const ByteRange& block : change.blocks) {
          patches.push_back({block, journal.BytesOf(c), at});
          at += block.size;
        }
        bytes = PutOver(file.ours, change.size, std::move(patches));
      }
      files[files_[c]] = bytes;
      if (file.CanBeWhole()) {
        whole.push_back(&file);
        whole_bytes.push_back(bytes);
      }
    }
    HM_TRY(Prove(plan_.proof, files, task_));
    const std::vector<bool> right = HM_TRY(HaveTheirDigests(whole, whole_bytes, task_));
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (right[i]) continue;
      return Error{Errc::kIo, whole[i]->path,
                   "mended it would still not have all the digests that are listed of it",
                   std::nullopt,
                   "nothing was changed; the sources contradict each other, or a donor changed"};
    }
    for (const std::size_t f : files_) {
      if (plan_.files[f].ours != nullptr) HM_TRY(plan_.files[f].ours->CheckUnchanged());
    }
    return {};
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
    const std::vector<bool> right = HM_TRY(HaveTheirDigests(files, bytes, unstoppable));
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
  const MendOptions& options_;
  const Task& task_;
  const fs::path root_;
  std::vector<std::size_t> files_;                            // of the plan
  std::vector<FileChange> changes_;                           // parallel to files_
  std::vector<std::shared_ptr<const BlockSource>> contents_;  // parallel to files_
  std::uint64_t bytes_beside_ = 0;
};

}  // namespace

Result<bool> FinishInterruptedMend(const fs::path& copy) {
  const fs::path folder = PartialFolder(copy);
  const auto disk = RealDisk();
  if (!disk->Has(folder / "changes")) return false;
  const auto name = HM_TRY(OpenFile(folder / "fingerprint"));
  const std::string fingerprint = HM_TRY(ReadWholeFile(*name, 4096));
  PartialOutput work = HM_TRY(PartialOutput::Begin(
      {.target = copy, .kind = KindOf(copy), .force = true, .fingerprint = fingerprint}));
  work.Keep();
  const auto journal = HM_TRY(MendJournal::Find(*disk, folder));
  if (!journal) return false;
  for (const FileChange& change : journal->Changes()) {
    HM_TRY(CheckFolders(RootOf(copy), change.path));
  }
  HM_TRY(journal->Apply(*disk, RootOf(copy)));
  HM_TRY(journal->Forget(*disk));
  work.Remove();
  return true;
}

Result<MendReport> MendInPlace(const RepairPlan& plan, const MendOptions& options,
                               const Task& task) {
  return InPlace(plan, options, task).Run();
}

Result<MendReport> WriteMendedCopy(const RepairPlan& plan, const MendedCopyOptions& options,
                                   const Task& task) {
  HM_CHECK(plan.CanBeWhole());
  const Copy copy = HM_TRY(Copy::List(options.copy));
  const PartialOutput::Target kind =
      copy.IsOneFile() ? PartialOutput::Target::kFile : PartialOutput::Target::kFolder;
  std::map<std::string, std::shared_ptr<const BlockSource>> contents;
  for (const DirectoryEntry& entry : copy.Listing().files) {
    contents[entry.path] = HM_TRY(DiskBytes::Open(entry.full_path));
  }
  for (const PlannedFile& file : plan.files) contents[file.path] = file.contents;
  const std::string name_of_one = WithoutSlash(options.target).filename().string();
  std::string fingerprint = "repair to";
  std::vector<OutputFile> outputs;
  std::uint64_t bytes = 0;
  for (const auto& [path, source] : contents) {
    outputs.push_back(WholeOutput(copy.IsOneFile() ? name_of_one : path, *source));
    bytes = CheckedAdd(bytes, source->Size()).value_or(UINT64_MAX);
    fingerprint += fmt::format(" {} {}", path, source->Size());
  }
  for (const PlannedFile& file : plan.files) {
    for (const Digest& digest : file.digests) fingerprint += " " + digest.ToString();
  }
  fingerprint = HashBytes(Algorithm::kSha256, AsBytes(fingerprint)).Hex();
  PartialOutput output = HM_TRY(PartialOutput::Begin({.target = options.target,
                                                      .kind = kind,
                                                      .force = options.force,
                                                      .discard = options.discard,
                                                      .fingerprint = fingerprint}));
  if (!output.WasInterrupted()) HM_TRY(CheckFreeSpace(options.target, bytes));
  task.Begin("writing the mended copy", bytes, outputs.size());
  const Result<std::vector<WrittenFile>> written = WriteFiles(outputs, output, task);
  if (!written) {
    if (written.error().code == Errc::kInterrupted) output.Keep();
    return written.error();
  }
  std::vector<const PlannedFile*> files;
  std::vector<std::shared_ptr<const BlockSource>> sources;
  std::vector<std::shared_ptr<const BlockSource>> proof_files = plan.proof.files;
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    const PlannedFile& file = plan.files[i];
    const std::string name = copy.IsOneFile() ? name_of_one : file.path;
    files.push_back(&file);
    sources.push_back(HM_TRY(DiskBytes::Open(output.Files() / name)));
    proof_files[i] = sources.back();
  }
  HM_TRY(Prove(plan.proof, proof_files, task));
  const std::vector<bool> right = HM_TRY(HaveTheirDigests(files, sources, task));
  MendReport report;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!right[i]) {
      return Error{Errc::kIo, files[i]->path,
                   "mended it still has not all the digests that are listed of it", std::nullopt,
                   "nothing was kept; the sources contradict each other, or a donor changed"};
    }
    report.files.push_back({files[i]->path, true});
  }
  report.bytes_written = bytes;
  HM_TRY(FlushFiles(*written, output));
  HM_TRY(output.Commit());
  return report;
}

}  // namespace hallmark
