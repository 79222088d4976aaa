// After the judging: where in the files that differ the damage lies, and which tensors it hits.
#pragma once

#include <functional>
#include <span>

#include "verify/copy_weights.h"

namespace hallmark {

// Fills FileVerdict::damage and ::intact of files of weights that are not as listed. `stretches`
// names those that are known already to differ, or is empty. Errors: kIo, kInterrupted.
Result<void> LocateDamage(
    const Copy& copy, std::span<const Source> sources,
    const std::function<std::vector<ByteRange>(const FileVerdict&)>& stretches,
    CopyWeights& weights, const Task& task, VerifyReport& report);

}  // namespace hallmark
