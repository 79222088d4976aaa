// What the files of a copy say of themselves, before anything is hashed.
#pragma once

#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "src/io/folder.h"

namespace hallmark {

struct HeaderReading {
  bool holds_weights = false;     // a container, a companion of one, or an archive of some
  std::vector<Finding> findings;  // warnings and dangers
};

// Opens every file of `listing`, which lie in `folder`, and every member of tars among them. One
// reading a file; what cannot be opened has none. Errors: kInterrupted.
Result<std::vector<HeaderReading>> ReadFileHeaders(const Folder& folder,
                                                   const DirectoryListing& listing,
                                                   const Task& task);

}  // namespace hallmark
