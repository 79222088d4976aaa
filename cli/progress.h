// Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere. No escape codes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "cli/terminal.h"
#include "src/base/task.h"

namespace hallmark {

struct ProgressState {
  std::string what;
  std::uint64_t bytes = 0, total_bytes = 0;  // totals: 0 if unknown
  std::uint64_t files = 0, total_files = 0;
  double seconds = 0;  // since the stretch began
};

// "hashing  [=====>    ]  52%  6.9 of 13.5 GB  410 MB/s  16 s left  file 2 of 5", no wider than
// `width`; parts that do not fit are left out from the right.
std::string ProgressBar(const ProgressState& state, std::size_t width);
// "hallmark: hashing: 52%, 6.9 GB of 13.5 GB, 410 MB/s, 16 s left, file 2 of 5".
std::string ProgressLine(const ProgressState& state);
std::string HumanDuration(double seconds);  // "16 s", "4 min 10 s", "2 h 5 min"

// Counts from any thread; one thread of its own writes. `terminal` outlives it.
class ProgressDisplay : public ProgressSink {
 public:
  enum class Kind { kNone, kBar, kLines };
  ProgressDisplay(Terminal* terminal, Kind kind);
  ~ProgressDisplay() override;
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void Begin(std::string_view what, std::uint64_t total_bytes, std::uint64_t total_files) override;
  void Advance(std::uint64_t bytes) override { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void FileDone(std::string_view name) override;

  // Takes the bar away and writes `text` (a message, or nothing) in its place.
  void WriteError(std::string_view text);
  // No more progress is shown; results may be written.
  void Finish();

 private:
  void Work();
  void Show();      // holds mutex_
  void ClearBar();  // holds mutex_
  ProgressState Snapshot() const;

  Terminal* terminal_;
  Kind kind_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> files_{0};
  mutable std::mutex mutex_;  // guards what follows, and writing to the terminal
  std::condition_variable wake_;
  std::string what_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t total_files_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::size_t shown_ = 0;  // columns the bar takes now
  bool active_ = false;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace hallmark
