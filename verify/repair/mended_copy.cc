#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <utility>

#include "src/base/checked.h"
#include "src/hash/hasher.h"
#include "src/io/partial_output.h"
#include "transform/write_files.h"
#include "verify/copy.h"
#include "verify/repair/mend.h"
#include "verify/repair/prove.h"
#include "verify/repair/whole_output.h"

namespace hallmark {
namespace fs = std::filesystem;

Result<MendReport> WriteMendedCopy(const RepairPlan& plan, const MendedCopyOptions& options,
                                   const Task& task) {
  HM_CHECK(plan.CanBeWhole());
  const Copy copy = HM_TRY(Copy::List(options.copy));
  const PartialOutput::Target kind =
      copy.IsOneFile() ? PartialOutput::Target::kFile : PartialOutput::Target::kFolder;
  std::map<std::string, std::shared_ptr<const BlockSource>> contents;
  std::string fingerprint = "repair to";
  for (const DirectoryEntry& entry : copy.Listing().files) {
    auto file = HM_TRY(DiskBytes::Open(entry.full_path));
    const FileStamp& stamp = file->Stamp();
    const auto known = plan.stamps.find(entry.path);
    if (known == plan.stamps.end() || known->second != stamp) {
      return Error{Errc::kIo, entry.full_path.string(), "the file changed since it was verified",
                   std::nullopt, "run the command again once nobody writes to the copy"};
    }
    fingerprint += fmt::format(" {} {} {} {} {}", entry.path, stamp.inode, stamp.size,
                               stamp.modified_ns, stamp.changed_ns);
    contents[entry.path] = std::move(file);
  }
  for (const PlannedFile& file : plan.files) {
    contents[file.path] = file.contents;
    if (!file.unfinished.empty()) contents.erase(file.unfinished);
    for (const Digest& digest : file.digests) fingerprint += " " + digest.ToString();
  }
  const std::string name_of_one = WithoutSlash(options.target).filename().string();
  std::vector<OutputFile> outputs;
  std::uint64_t bytes = 0;
  for (const auto& [path, source] : contents) {
    outputs.push_back(WholeOutput(copy.IsOneFile() ? name_of_one : path, *source));
    bytes = CheckedAdd(bytes, source->Size()).value_or(UINT64_MAX);
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
  for (const DirectoryEntry& entry : copy.Listing().files) {
    struct stat info;
    const fs::path made = output.Files() / (copy.IsOneFile() ? name_of_one : entry.path);
    if (stat(entry.full_path.c_str(), &info) == 0) (void)chmod(made.c_str(), info.st_mode & 0777);
  }
  // Of the files that were right, too, what was written is what counts.
  std::vector<const PlannedFile*> files;
  std::vector<std::shared_ptr<const BlockSource>> sources;
  std::vector<std::shared_ptr<const BlockSource>> proof_files = plan.proof.files;
  for (const std::vector<PlannedFile>* of : {&plan.files, &plan.intact}) {
    for (const PlannedFile& file : *of) {
      files.push_back(&file);
      sources.push_back(
          HM_TRY(DiskBytes::Open(output.Files() / (copy.IsOneFile() ? name_of_one : file.path))));
      if (of == &plan.files) proof_files[files.size() - 1] = sources.back();
    }
  }
  HM_TRY(Prove(plan.proof, proof_files, task));
  const std::vector<bool> right = HM_TRY(HashContents(files, sources, task)).right;
  MendReport report;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!right[i]) {
      return Error{Errc::kIo, files[i]->path,
                   "what was written has other digests than are listed of it", std::nullopt,
                   "nothing was kept; run the command again once nobody writes to the copy and the "
                   "donors"};
    }
    if (i < plan.files.size()) report.files.push_back({files[i]->path, true});
  }
  report.bytes_written = bytes;
  HM_TRY(FlushFiles(*written, output));
  HM_TRY(output.Commit());
  return report;
}

}  // namespace hallmark
