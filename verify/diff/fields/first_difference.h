// Where two files begin to differ.
#pragma once

#include <cstdint>
#include <optional>

#include "src/base/task.h"
#include "src/io/block_source.h"

namespace hallmark {

// The offset of the first byte that differs, or that only one of the two has; nullopt: they are the
// same. Errors: kInterrupted, and whatever reading says.
Result<std::optional<std::uint64_t>> FirstDifference(const BlockSource& a, const BlockSource& b,
                                                     const Task& task);

}  // namespace hallmark
