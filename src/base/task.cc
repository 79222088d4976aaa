#include "src/base/task.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace hallmark {

namespace {

// Passes progress on as a part of what was begun.
class PartOfProgress final : public ProgressSink {
 public:
  explicit PartOfProgress(const Task& whole) : whole_(whole) {}
  void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
  void Advance(std::uint64_t bytes) override { whole_.Advance(bytes); }
  void FileDone(std::string_view name) override { whole_.FileDone(name); }

 private:
  const Task& whole_;
};

}  // namespace

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

Result<void> DoTogether(const Task& task,
                        std::span<const std::function<Result<void>(const Task&)>> pieces) {
  HM_CHECK(task.abandoned == nullptr);
  PartOfProgress progress(task);
  std::atomic<bool> abandoned = false;
  Task part = task;
  part.progress = &progress;
  part.abandoned = &abandoned;
  std::mutex mutex;
  std::optional<Error> first;
  const auto work = [&](const auto& piece) {
    Result<void> done = piece(part);
    if (done) return;
    const std::lock_guard lock(mutex);
    abandoned = true;
    if (!first) first = std::move(done).error();
  };
  std::vector<std::jthread> others;
  std::size_t begun = 1;
  try {
    for (; begun < pieces.size(); ++begun) {
      others.emplace_back([&work, &piece = pieces[begun]] { work(piece); });
    }
  } catch (const std::system_error&) {
    // The system gives no more threads; the rest comes one after the other.
  }
  if (!pieces.empty()) work(pieces.front());
  for (; begun < pieces.size(); ++begun) work(pieces[begun]);
  others.clear();  // joins
  if (first) return *std::move(first);
  return {};
}

}  // namespace hallmark
