// Releases that were shipped as their difference to a base model, which had to be got elsewhere:
// put together with the base, they are a model like any other.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "src/base/task.h"
#include "verify/diff/compared_model.h"

namespace hallmark {

// In what the sums are rounded before anything else is done to them.
enum class SumType {
  kF32,     // not at all: both were widened to f32 first
  kStored,  // to the type that both have (f16, bf16); to f32 where they have different ones
};

struct AppliedRelease {
  // What the release's files are, for people: "added to BASE", "by exclusive or with BASE".
  std::string how;
  std::unique_ptr<const Model> model;  // the release, its files xored if they were
  std::unique_ptr<const Model> base;   // null where files were xored
  ComparedModel side;                  // what both make together; its model is `model`
  // That has the tensors which are left out of weights; absent where files were xored.
  std::optional<ComparedModel> base_side;
  // Canonical names of tensors of which the release has more rows than the base: `side` has those
  // of the base, since what the others were added to was made up by whoever applied it.
  std::set<std::string, std::less<>> cut;
};

// `release` holds differences of tensors to those of `base`, to be added to them; or, if it is no
// model as it is, files that are such files of the base xored byte by byte, as far as those go.
// Tensors that the base lacks are the release's own; those that the release lacks are not there.
// Memory: that of its models. Errors: as Model::Open and Canonicalise; kUnsupported (a tensor that
// is of another shape in the base, or no floats).
Result<AppliedRelease> ApplyRelease(const std::filesystem::path& release,
                                    const std::filesystem::path& base, SumType sum,
                                    const Task& task);

}  // namespace hallmark
