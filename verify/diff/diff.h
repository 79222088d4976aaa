// Compares two models layer by layer, tensor by tensor: what differs, where and by how much.
#pragma once

#include <filesystem>

#include "src/base/task.h"
#include "verify/diff/diff_report.h"

namespace hallmark {

struct DiffOptions {
  bool ulps = false;          // a histogram of distances for every tensor that differs
  bool explain = false;       // what kind of difference it is
  bool weights_only = false;  // leave configuration, tokenizer and metadata alone
};

// Each of `a` and `b` is a MODEL or one of hallmark's manifests; against a manifest, tensors are
// compared by digest alone. Every tensor of both is read once, but for those that only one has. A
// tensor that can't be read is told as such and does not stop the others. Memory: a few MiB per
// thread. Errors: as Model::Open and Canonicalise; kIo for files that changed meanwhile;
// kInterrupted.
Result<DiffReport> Diff(const std::filesystem::path& a, const std::filesystem::path& b,
                        const DiffOptions& options, const Task& task);

}  // namespace hallmark
