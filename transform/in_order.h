// Work that is done in parallel and whose results are taken one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/task.h"

namespace hallmark {

// Calls make(i, item) for each i below `count`, on up to task.threads threads in no fixed order, to
// fill an item (whatever it held before), and take(i, item) in order of i, from one thread at a
// time and while later items are made. Up to 128 items are in memory at once. Returns the first
// error of either; after it, or a stop, nothing more is begun.
Result<void> MakeInOrder(
    const Task& task, std::uint64_t count,
    const std::function<Result<void>(std::uint64_t i, std::vector<std::byte>* item)>& make,
    const std::function<Result<void>(std::uint64_t i, ByteSpan item)>& take);

}  // namespace hallmark
