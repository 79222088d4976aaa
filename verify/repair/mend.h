// Carries a repair out: in place, or into a mended copy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "verify/repair/plan_repair.h"

namespace hallmark {

struct MendedFile {
  std::string path;       // below the copy, or the output
  bool is_whole = false;  // every digest that the sources list of it was found in what is now there
};

struct MendReport {
  std::vector<MendedFile> files;    // that were written to
  std::uint64_t bytes_written = 0;  // into them; the journal and what is beside them not counted
};

struct MendOptions {
  std::filesystem::path copy;
  bool discard = false;  // what an interrupted repair of it left
};

// Whether a repair of the copy was decided and then cut short. Errors: kIo, kMalformed.
Result<bool> HasInterruptedMend(const std::filesystem::path& copy);
// Makes its changes, of which the bytes are at hand. Errors: kIo; kUsage (another process is at it;
// a file is no longer what it was then, and none is changed).
Result<void> FinishInterruptedMend(const std::filesystem::path& copy, const Task& task);

// Changes the files of the copy. All that is to be written is written down beside it first
// (COPY.hallmark-partial), proven from there, flushed to the disk, and only then put in place, so
// that at any point the files are as they were, or a later FinishInterruptedMend makes them whole.
// A file that cannot be whole keeps its size, and one that is not there is not made then. A file
// that is mostly new is written anew and takes the place of the old one. Errors: kUsage (a file is
// a link out of the copy; work of another kind was left beside it); kIo (a donor or the copy
// changed since; no room; no permission), kInterrupted, all before anything was changed.
Result<MendReport> MendInPlace(const RepairPlan& plan, const MendOptions& options,
                               const Task& task);

struct MendedCopyOptions {
  std::filesystem::path copy;
  std::filesystem::path target;  // a file if the copy is one, else a folder
  bool force = false;
  bool discard = false;
};

// Writes all files of the copy, mended, to the target. The plan can be whole. Errors: as
// WriteFiles; kIo where what was written has other digests than listed, of which nothing stays.
Result<MendReport> WriteMendedCopy(const RepairPlan& plan, const MendedCopyOptions& options,
                                   const Task& task);

}  // namespace hallmark
