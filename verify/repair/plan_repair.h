// What is wrong with a copy, and who has the right bytes: found out before anything is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "transform/recipe.h"
#include "verify/repair/checked_span.h"
#include "verify/repair/disk_bytes.h"
#include "verify/repair/offer.h"
#include "verify/sources/source.h"
#include "verify/verify_report.h"

namespace hallmark {

// A stretch that gets other bytes.
struct PlannedBytes {
  ByteRange range;                        // in the official file
  std::string from;                       // who has them, for people
  std::vector<std::string> tensors = {};  // canonical names of what lies there, as far as known
};

struct PlannedFile {
  std::string path;        // below the copy, where it is or will be
  std::string listed_as;   // in the source
  std::string unfinished;  // the download of it that is there, below the copy; or empty
  FileState found = FileState::kMissing;
  std::optional<std::uint64_t> size_before;  // bytes; none: it is not there
  std::optional<std::uint64_t> size;         // official; none: not known
  std::vector<PlannedBytes> mended;          // in order
  std::vector<ByteRange> beyond;             // nobody has right bytes of these
  std::string reason;                        // why, where something is beyond repair

  // Each stretch that can be proven was proven to be right with what is planned.
  bool CanBeWhole() const { return beyond.empty() && reason.empty(); }
  std::uint64_t MendedBytes() const;

  std::vector<Digest> digests;                // of the whole file
  std::shared_ptr<const DiskBytes> ours;      // null: it is not there
  std::vector<Patchwork::Patch> patches;      // the bytes of `mended`
  std::shared_ptr<const Patchwork> contents;  // as it will be; null where it cannot be whole
};

// Spans that get other bytes, to be proven again of what was written.
struct RepairProof {
  std::vector<CheckedSpan> spans;
  std::vector<std::shared_ptr<const BlockSource>> files;  // those of the spans, as they will be
};

struct RepairPlan {
  VerifyReport found;               // the copy as it is
  std::vector<PlannedFile> files;   // that are not as listed; others are not touched
  std::vector<PlannedFile> intact;  // that are, with their digests
  RepairProof proof;                // its first files are `files`
  std::vector<Finding> findings;
  std::uint64_t bytes_read = 0;

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
