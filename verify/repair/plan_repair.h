// What is wrong with a copy, and who has the right bytes: found out before anything is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "transform/recipe.h"
#include "verify/repair/checked_span.h"
#include "verify/repair/planned_file.h"
#include "verify/sources/source.h"
#include "verify/verify_report.h"

namespace hallmark {

// Spans that get other bytes, to be proven again of what was written.
struct RepairProof {
  std::vector<CheckedSpan> spans;
  std::vector<std::shared_ptr<const BlockSource>> files;  // those of the spans, as they will be
};

struct RepairPlan {
  VerifyReport found;                       // the copy as it is
  std::vector<PlannedFile> files;           // that are not as listed; others are not touched
  std::vector<PlannedFile> intact;          // that are, with their digests
  std::map<std::string, FileStamp> stamps;  // of the copy's files, before anything was read
  RepairProof proof;                        // its first files are `files`
  std::vector<Finding> findings;

  bool CanBeWhole() const;  // all files of it
  std::uint64_t MendedBytes() const;

  std::shared_ptr<const void> keeps_open;  // what `patches` read from
};

struct RepairRequest {
  std::filesystem::path copy;
  std::vector<Source> sources;  // at least one
  std::vector<std::filesystem::path> donors;
  std::shared_ptr<const Recipe> recipe;  // of the official files; may be null
  // Called for every wrong size and unfinished download before anything is hashed; may be empty.
  std::function<void(const FileVerdict&)> on_early = {};
};

// The copy is a folder or one file. Verifies it, then looks, for every stretch of a damaged or
// missing file that a source has a digest of, for bytes that have it: in the donors' files; in
// their tensors, whatever container they are in; in what a recipe makes of them; and in mixtures of
// all these, the copy's own bytes included. Donors need not be whole. Sources that are copies
// themselves are donors too. Errors: as Verify, and where a donor is not there; kInterrupted.
Result<RepairPlan> PlanRepair(RepairRequest request, const Task& task);

}  // namespace hallmark
