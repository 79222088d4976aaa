// Any set of digests of any number of byte sources, each read once.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "src/base/task.h"
#include "src/hash/digest.h"
#include "src/hash/tree.h"
#include "src/io/block_source.h"

namespace hallmark {

struct HashRequest {
  const BlockSource* source;  // outlives the call
  std::vector<Algorithm> algorithms;
  std::string_view name = {};  // for progress; not told where empty
};

struct HashOutcome {
  std::vector<Digest> digests;      // in the order asked for
  std::vector<TreeNode> sub_roots;  // if kTree was asked for
};

// Called once per request, in any order, from one thread at a time. An error ends the work.
using OnHashed = std::function<Result<void>(std::size_t index, Result<HashOutcome> outcome)>;

// Reads every source once, front to back, in buffers; works on several sources at once, and on
// several algorithms of one source at once, up to task.threads. It sees the whole batch so that
// multi-stream kernels can put several sources into the lanes of one core. A source that cannot be
// read gives its error to `on_hashed` and does not stop the others; kInterrupted stops all.
// Memory: a few MiB per thread, whatever the sizes, and the sub-roots. Sources are begun in the
// order given. Progress advances by bytes read; the caller begins it. Requests that were not
// finished when a stop was asked for are not reported. Files are better handed to HashFiles.
Result<void> HashSources(std::span<const HashRequest> requests, const Task& task,
                         const OnHashed& on_hashed);

}  // namespace hallmark
