// What sources say of files beside digests of them as a whole: pieces, and the data of tensors.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "src/base/task.h"
#include "verify/copy.h"
#include "verify/verify_report.h"

namespace hallmark {

// What became of that, for one listed file.
struct ContentVerdict {
  bool differs = false;
  std::uint64_t unchecked = 0;       // pieces that reach into missing files, tensors not listed
  std::vector<ByteRange> stretches;  // of pieces that differ
  std::vector<DamagedRange> damage;  // tensors that differ, by their stored names
  std::vector<Finding> findings;     // subject: the file in the copy
  std::optional<Error> error;        // it could not be read
};

// True for each file of `source` of which it says such things.
std::vector<bool> HasListedContent(const Source& source);

// Checks `source`'s pieces and tensors against the files of the copy that `present` names for each
// of its files; absent where it is not here or not of the listed size. One verdict for each file
// that HasListedContent names and that is here. Errors: kInterrupted.
struct ContentChecks {
  std::vector<std::optional<ContentVerdict>> files;  // parallel to Source::files
  std::uint64_t bytes_read = 0;
};
Result<ContentChecks> CheckListedContent(const Source& source,
                                         const std::vector<std::optional<std::size_t>>& present,
                                         const Copy& copy, const Task& task);

}  // namespace hallmark
