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

}  // namespace
}  // namespace hallmark
