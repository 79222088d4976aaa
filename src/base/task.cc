#include "src/base/task.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace hallmark {

Result<void> Task::CheckStopped() const {
  if (Stopped()) return Error{Errc::kInterrupted, "", "stopped on request"};
  return {};
}

Result<void> ParallelFor(const Task& task, std::uint64_t count,
                         const std::function<Result<void>(std::uint64_t)>& body) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::uint64_t first_failure = count;
  std::optional<Error> error;

  const auto work = [&] {
    while (!failed.load(std::memory_order_relaxed)) {
      const std::uint64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count) return;
      Result<void> done = task.CheckStopped();
      if (done) done = body(index);
      if (done) continue;
      const std::lock_guard lock(mutex);
      failed = true;
      if (index < first_failure) {
        first_failure = index;
        error = std::move(done).error();
      }
    }
  };

  const std::uint64_t threads = std::min<std::uint64_t>(std::max(task.threads, 1u), count);
  std::vector<std::jthread> others;
  try {
    for (std::uint64_t i = 1; i < threads; ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads; those there are do it all.
  }
  work();
  others.clear();  // joins
  if (error) return *std::move(error);
  return {};
}

}  // namespace hallmark
