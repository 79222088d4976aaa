#include "src/base/task.h"

#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

class ParallelForOnThreads : public testing::TestWithParam<unsigned> {
 protected:
  const Task task_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Threads, ParallelForOnThreads, testing::Values(0u, 1u, 2u, 4u, 33u));

TEST_P(ParallelForOnThreads, RunsEveryIndexOnce) {
  for (const std::uint64_t count : {0u, 1u, 2u, 7u, 1000u}) {
    std::vector<std::atomic<int>> runs(count);
    const auto done = ParallelFor(task_, count, [&](std::uint64_t i) -> Result<void> {
      ++runs.at(i);
      return {};
    });
    EXPECT_TRUE(Ok(done));
    for (const auto& times : runs) EXPECT_EQ(times, 1);
  }
}

TEST_P(ParallelForOnThreads, ReturnsTheErrorOfTheLowestIndexThatRan) {
  std::mutex mutex;
  std::set<std::uint64_t> failed;
  const auto done = ParallelFor(task_, 100, [&](std::uint64_t i) -> Result<void> {
    if (i < 10) return {};
    const std::lock_guard lock(mutex);
    failed.insert(i);
    return Error{Errc::kMalformed, std::to_string(i), "bad"};
  });
  ASSERT_FALSE(done);
  ASSERT_FALSE(failed.empty());
  EXPECT_EQ(done.error().subject, std::to_string(*failed.begin()));
  EXPECT_LE(failed.size(), std::max(GetParam(), 1u));  // none was started after the first
}

TEST_P(ParallelForOnThreads, StopsWhenAsked) {
  std::atomic<bool> stopped{false};
  Task task = task_;
  task.stopped = &stopped;
  std::atomic<std::uint64_t> runs{0};
  const auto done = ParallelFor(task, 100000, [&](std::uint64_t) -> Result<void> {
    ++runs;
    stopped = true;
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kInterrupted);
  EXPECT_LE(runs, std::max(GetParam(), 1u));
}

TEST(ParallelFor, UsesNoMoreThreadsThanAllowed) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  EXPECT_TRUE(Ok(ParallelFor(Task{3}, 200, [&](std::uint64_t) -> Result<void> {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return {};
  })));
  EXPECT_LE(threads.size(), 3u);
}

TEST(Task, WithoutSinkOrFlagIsQuietAndGoesOn) {
  const Task task;
  task.Begin("x", 1, 1);
  task.Advance(1);
  task.FileDone("x");
  EXPECT_FALSE(task.Stopped());
  EXPECT_TRUE(task.CheckStopped());
}

using Piece = std::function<Result<void>(const Task&)>;

TEST(DoTogether, AddsUpTheProgressOfItsPieces) {
  struct Sink final : ProgressSink {
    std::atomic<std::uint64_t> begun = 0, done = 0;
    void Begin(std::string_view, std::uint64_t, std::uint64_t) override { ++begun; }
    void Advance(std::uint64_t bytes) override { done += bytes; }
    void FileDone(std::string_view) override {}
  } sink;
  const Piece piece = [](const Task& task) -> Result<void> {
    EXPECT_EQ(task.threads, 3u);
    task.Begin("a part", 7, 0);
    task.Advance(7);
    return {};
  };
  const Piece pieces[] = {piece, piece, piece};
  EXPECT_TRUE(Ok(DoTogether({.threads = 3, .progress = &sink}, pieces)));
  EXPECT_TRUE(Ok(DoTogether({.threads = 3, .progress = &sink}, {})));
  EXPECT_EQ(sink.begun, 0u);
  EXPECT_EQ(sink.done, 21u);
}

TEST(DoTogether, StopsTheOthersWhereOneFails) {
  const Piece waits = [](const Task& task) -> Result<void> {
    while (!task.Stopped()) std::this_thread::yield();
    return task.CheckStopped();
  };
  const Piece fails = [](const Task&) -> Result<void> {
    return Error{Errc::kIo, "disk", "it is full"};
  };
  const Piece pieces[] = {waits, fails, waits};
  const auto done = DoTogether({}, pieces);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "it is full");
}

TEST(DoTogether, StopsWhenAsked) {
  std::atomic<bool> stopped = false;
  const Piece waits = [](const Task& task) -> Result<void> {
    while (!task.Stopped()) std::this_thread::yield();
    return task.CheckStopped();
  };
  const Piece asks = [&](const Task&) -> Result<void> {
    stopped = true;
    return {};
  };
  const Piece pieces[] = {waits, asks};
  const auto done = DoTogether({.stopped = &stopped}, pieces);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kInterrupted);
}

}  // namespace
}  // namespace hallmark
