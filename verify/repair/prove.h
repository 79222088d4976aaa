// Whether mended files are what the sources list.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "src/base/task.h"
#include "verify/repair/plan_repair.h"

namespace hallmark {

// For each span, whether it has another digest in `files`; of those that `wanted` asks for, and
// that the files have all bytes of. Errors: kInterrupted.
Result<std::vector<char>> WrongSpans(const std::vector<CheckedSpan>& spans,
                                     const std::vector<std::shared_ptr<const BlockSource>>& files,
                                     const std::function<bool(const CheckedSpan&)>& wanted,
                                     const Task& task);

// kIo unless all spans of the proof have their digests in `files`.
Result<void> Prove(const RepairProof& proof,
                   const std::vector<std::shared_ptr<const BlockSource>>& files, const Task& task);

struct HashedContents {
  std::vector<bool> right;  // the file has all the digests listed of it
  std::vector<Digest> trees;
};
// Errors: of reading `bytes`, one for each of `files`; kInterrupted.
Result<HashedContents> HashContents(const std::vector<const PlannedFile*>& files,
                                    const std::vector<std::shared_ptr<const BlockSource>>& bytes,
                                    const Task& task);

}  // namespace hallmark
