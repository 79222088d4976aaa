// Is a converted copy what the official list says? The official files are made again by a recipe,
// as they are read, and hashed without being written.
#pragma once

#include <filesystem>
#include <vector>

#include "transform/recipe.h"
#include "verify/verify.h"

namespace hallmark {

// As Verify, of the files that `recipe` makes of `copy`. Where they match, it is also said whether
// they hold all of the copy's tensors: of one that they don't hold nothing is known, and the
// verdict is partial. Of `options`, part, sample and cache must not be set. Errors also: as
// PlanRebuild; kUsage where there are no sources, kUnsupported for one that lists no digests of
// files.
Result<VerifyReport> VerifyRebuilt(const std::filesystem::path& copy, const Recipe& recipe,
                                   std::vector<Source> sources, VerifyOptions options,
                                   const Task& task);

}  // namespace hallmark
