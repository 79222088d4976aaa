// A file that is not as listed, and what is to become of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/hash/digest.h"
#include "verify/repair/disk_bytes.h"
#include "verify/repair/offer.h"
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

}  // namespace hallmark
