// Whether tensors hold the same bytes.
#pragma once

#include <span>
#include <vector>

#include "src/base/task.h"
#include "src/io/block_source.h"

namespace hallmark {

// Two sources of one size; both outlive the call.
struct BytesPair {
  const BlockSource* a;
  const BlockSource* b;
  bool random_access = true;  // false: both are read by one thread, front to back
};

// For each pair whether its bytes are equal; a pair is read no further than to where it is known to
// differ. Works on several pairs, and on several pieces of one, at once. Progress advances by the
// bytes of one of the two. Memory: two MiB per thread. Errors: of reading; kInterrupted.
Result<std::vector<bool>> FindEqual(std::span<const BytesPair> pairs, const Task& task);

}  // namespace hallmark
