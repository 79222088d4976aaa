// What long work is told and what it tells back: threads, a stop request, progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

// Receives progress; called from any thread, must be cheap.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // A new stretch of work. `total_bytes` and `total_files` are 0 when unknown.
  virtual void Begin(std::string_view what, std::uint64_t total_bytes,
                     std::uint64_t total_files) = 0;
  virtual void Advance(std::uint64_t bytes) = 0;
  virtual void FileDone(std::string_view name) = 0;
};

// Handed by value to everything that may take long; what it points to outlives the work.
struct Task {
  unsigned threads = 1;                        // how many may run at once, at least 1
  ProgressSink* progress = nullptr;            // may be null
  const std::atomic<bool>* stopped = nullptr;  // set by Ctrl-C; may be null
  // Set when other work failed, without which this one is worth nothing; may be null.
  const std::atomic<bool>* abandoned = nullptr;

  void Begin(std::string_view what, std::uint64_t bytes, std::uint64_t files) const {
    if (progress != nullptr) progress->Begin(what, bytes, files);
  }
  void Advance(std::uint64_t bytes) const {
    if (progress != nullptr) progress->Advance(bytes);
  }
  void FileDone(std::string_view name) const {
    if (progress != nullptr) progress->FileDone(name);
  }
  bool Stopped() const {
    const auto is_set = [](const std::atomic<bool>* flag) {
      return flag != nullptr && flag->load(std::memory_order_relaxed);
    };
    return is_set(stopped) || is_set(abandoned);
  }
  // kInterrupted once a stop was asked for. Long loops call it between buffers.
  Result<void> CheckStopped() const;
};

// Runs body(0) … body(count - 1) on up to task.threads threads, in no fixed order, and returns the
// error of the lowest index that failed; after a failure or a stop no new item is started.
Result<void> ParallelFor(const Task& task, std::uint64_t count,
                         const std::function<Result<void>(std::uint64_t)>& body);

// Does several pieces of work side by side, each with task.threads threads of its own, so that
// those that read the same files share what was read; where one fails, the others are stopped, and
// its error is returned. All advance one progress: the caller begins it, and their own beginnings
// are not passed on.
Result<void> DoTogether(const Task& task,
                        std::span<const std::function<Result<void>(const Task&)>> pieces);

}  // namespace hallmark
