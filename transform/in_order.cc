#include "transform/in_order.h"

#include <algorithm>
#include <utility>

namespace hallmark {

// In batches: while one is made, the one before it is taken.
Result<void> MakeInOrder(
    const Task& task, std::uint64_t count,
    const std::function<Result<void>(std::uint64_t i, std::vector<std::byte>* item)>& make,
    const std::function<Result<void>(std::uint64_t i, ByteSpan item)>& take) {
  const std::uint64_t batch = std::clamp<std::uint64_t>(16 * std::uint64_t{task.threads}, 16, 64);
  std::vector<std::vector<std::byte>> made(std::min(batch, count)), taken(made.size());
  std::uint64_t taken_until = 0, made_until = 0;
  while (taken_until < count) {
    const std::uint64_t end = std::min(made_until + batch, count);
    const auto do_one = [&](std::uint64_t item) -> Result<void> {
      if (item > 0) return make(made_until + item - 1, &made[item - 1]);
      for (std::uint64_t i = taken_until; i < made_until; ++i) {
        HM_TRY(task.CheckStopped());
        HM_TRY(take(i, taken[i - taken_until]));
      }
      return {};
    };
    HM_TRY(ParallelFor(task, 1 + end - made_until, do_one));
    std::swap(made, taken);
    taken_until = made_until;
    made_until = end;
  }
  return {};
}

}  // namespace hallmark
