#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "src/base/text.h"

namespace hallmark {
namespace {

using std::chrono::steady_clock;

constexpr auto kBarPeriod = std::chrono::milliseconds(100);
constexpr auto kLinePeriod = std::chrono::seconds(10);
constexpr std::size_t kBarCells = 20;

// What there is to say, most wanted first.
std::vector<std::string> Parts(const ProgressState& state) {
  std::vector<std::string> parts;
  const std::uint64_t bytes =
      state.total_bytes > 0 ? std::min(state.bytes, state.total_bytes) : state.bytes;
  if (state.total_bytes > 0) {
    const double share = static_cast<double>(bytes) / static_cast<double>(state.total_bytes);
    parts.push_back(fmt::format("{:3}%", static_cast<int>(share * 100)));
    parts.push_back(fmt::format("{} of {}", HumanBytes(bytes), HumanBytes(state.total_bytes)));
  } else if (bytes > 0) {
    parts.push_back(HumanBytes(bytes));
  }
  if (state.seconds >= 0.5 && bytes > 0) {
    const double rate = static_cast<double>(bytes) / state.seconds;
    parts.push_back(fmt::format("{}/s", HumanBytes(static_cast<std::uint64_t>(rate))));
    if (state.total_bytes > bytes && rate >= 1) {
      const double left = static_cast<double>(state.total_bytes - bytes) / rate;
      parts.push_back(fmt::format("{} left", HumanDuration(left)));
    }
  }
  if (state.total_files > 1) {
    parts.push_back(fmt::format("file {} of {}", std::min(state.files + 1, state.total_files),
                                state.total_files));
  }
  return parts;
}

}  // namespace

std::string HumanDuration(double seconds) {
  if (seconds >= 360'000) return "days";
  const auto whole = static_cast<std::uint64_t>(std::max(seconds, 0.0) + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

std::string ProgressBar(const ProgressState& state, std::size_t width) {
  std::string text = EscapeForPeople(state.what);
  if (state.total_bytes > 0 && width >= text.size() + kBarCells + 8) {
    const std::uint64_t bytes = std::min(state.bytes, state.total_bytes);
    const auto cells = static_cast<std::size_t>(static_cast<double>(bytes) /
                                                static_cast<double>(state.total_bytes) * kBarCells);
    std::string bar(cells, '=');
    if (cells < kBarCells) bar += '>';
    bar.resize(kBarCells, ' ');
    text += fmt::format("  [{}]", bar);
  }
  for (const std::string& part : Parts(state)) {
    if (text.size() + 2 + part.size() > width) break;
    text += "  " + part;
  }
  if (text.size() > width) text.resize(width);
  return text;
}

std::string ProgressLine(const ProgressState& state) {
  std::vector<std::string> parts = Parts(state);
  for (std::string& part : parts) part = std::string(TrimAscii(part));
  return fmt::format("hallmark: {}{}{}\n", EscapeForPeople(state.what), parts.empty() ? "" : ": ",
                     fmt::join(parts, ", "));
}

ProgressDisplay::ProgressDisplay(Terminal* terminal, Kind kind)
    : terminal_(terminal), kind_(kind), begun_(steady_clock::now()) {
  if (kind_ != Kind::kNone) thread_ = std::thread([this] { Work(); });
}

ProgressDisplay::~ProgressDisplay() { Finish(); }

void ProgressDisplay::Begin(std::string_view what, std::uint64_t total_bytes,
                            std::uint64_t total_files) {
  const std::lock_guard lock(mutex_);
  what_ = what;
  total_bytes_ = total_bytes;
  total_files_ = total_files;
  bytes_ = 0;
  files_ = 0;
  begun_ = steady_clock::now();
  active_ = true;
}

void ProgressDisplay::FileDone(std::string_view) { files_.fetch_add(1, std::memory_order_relaxed); }

void ProgressDisplay::WriteError(std::string_view text) {
  const std::lock_guard lock(mutex_);
  ClearBar();
  terminal_->WriteError(text);
}

void ProgressDisplay::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    ClearBar();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ProgressDisplay::Work() {
  const steady_clock::duration period = kind_ == Kind::kBar ? steady_clock::duration(kBarPeriod)
                                                            : steady_clock::duration(kLinePeriod);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period, [this] { return finished_; })) Show();
}

void ProgressDisplay::Show() {
  if (!active_) return;
  const ProgressState state = Snapshot();
  if (kind_ == Kind::kLines) {
    terminal_->WriteError(ProgressLine(state));
    return;
  }
  // The last column stays free: a full line would wrap on some terminals.
  std::string bar = ProgressBar(state, terminal_->Width() - 1);
  const std::size_t columns = bar.size();
  if (columns < shown_) bar.append(shown_ - columns, ' ');
  shown_ = columns;
  terminal_->WriteError("\r" + bar);
}

void ProgressDisplay::ClearBar() {
  if (shown_ == 0) return;
  terminal_->WriteError("\r" + std::string(shown_, ' ') + "\r");
  shown_ = 0;
}

ProgressState ProgressDisplay::Snapshot() const {
  const std::chrono::duration<double> elapsed = steady_clock::now() - begun_;
  return {what_, bytes_, total_bytes_, files_, total_files_, elapsed.count()};
}

}  // namespace hallmark
