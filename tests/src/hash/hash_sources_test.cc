#include "src/hash/hash_sources.h"

#include <functional>
#include <mutex>
#include <set>

#include "src/hash/hasher.h"
#include "tests/src/hash/sample_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::vector<Algorithm> EveryAlgorithm() {
  std::vector<Algorithm> algorithms;
  for (const AlgorithmInfo& info : AllAlgorithms()) algorithms.push_back(info.algorithm);
  return algorithms;
}

// Counts how often each byte is read, and refuses to read at and beyond `fails_at`.
class WatchedSource final : public BlockSource {
 public:
  WatchedSource(std::vector<std::byte> bytes, std::string name,
                std::uint64_t fails_at = ~std::uint64_t{0})
      : file_(MakeMemoryFile(std::move(bytes), name)), name_(name), fails_at_(fails_at) {}

  std::uint64_t Size() const override { return file_->Size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset + out.size() > fails_at_)
      return Error{Errc::kIo, name_, "the disc is bad", fails_at_};
    bytes_read_ += out.size();
    return file_->Read(offset, out);
  }
  std::uint64_t BytesRead() const { return bytes_read_; }

 private:
  std::unique_ptr<File> file_;
  std::string name_;
  std::uint64_t fails_at_;
  mutable std::atomic<std::uint64_t> bytes_read_{0};
};

class CountingSink final : public ProgressSink {
 public:
  void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
  void Advance(std::uint64_t bytes) override { advanced += bytes; }
  void FileDone(std::string_view name) override {
    const std::lock_guard lock(mutex);
    names.emplace_back(name);
  }
  std::atomic<std::uint64_t> advanced{0};
  std::mutex mutex;
  std::vector<std::string> names;
};

// For callers that accept everything.
Result<void> HashAll(std::span<const HashRequest> requests, const Task& task,
                     const std::function<void(std::size_t, Result<HashOutcome>)>& on_hashed) {
  return HashSources(requests, task, [&](std::size_t i, Result<HashOutcome> outcome) {
    on_hashed(i, std::move(outcome));
    return Result<void>();
  });
}

class HashSourcesOnThreads : public testing::TestWithParam<unsigned> {
 protected:
  Task task_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Threads, HashSourcesOnThreads, testing::Values(1u, 2u, 3u, 4u, 9u));

TEST_P(HashSourcesOnThreads, AllDigestsOfManySourcesInOneReadOfEach) {
  std::vector<std::unique_ptr<WatchedSource>> sources;
  std::vector<HashRequest> requests;
  std::uint64_t total = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{16383}, std::size_t{16384}, std::size_t{16385},
        kMiB - 1, kMiB, kMiB + 1, 4 * kMiB - 1, 4 * kMiB, 4 * kMiB + 1, 9 * kMiB, std::size_t{0}}) {
    sources.push_back(std::make_unique<WatchedSource>(SampleBytes(size), "memory"));
    requests.push_back({sources.back().get(), EveryAlgorithm()});
    total += size;
  }
  std::vector<int> calls(requests.size());
  std::atomic<int> inside{0};
  CountingSink sink;
  task_.progress = &sink;

  const auto done = HashAll(requests, task_, [&](std::size_t i, Result<HashOutcome> outcome) {
    EXPECT_EQ(++inside, 1);
    ++calls[i];
    ASSERT_TRUE(Ok(outcome));
    const std::vector<std::byte> bytes = SampleBytes(sources[i]->Size());
    std::vector<Digest> expected;
    for (const Algorithm algorithm : EveryAlgorithm()) {
      expected.push_back(HashBytes(algorithm, bytes));
    }
    EXPECT_EQ(outcome->digests, expected) << bytes.size();
    TreeHasher tree;
    tree.Update(bytes);
    EXPECT_EQ(outcome->sub_roots, tree.Finish().sub_roots) << bytes.size();
    EXPECT_EQ(sources[i]->BytesRead(), bytes.size());
    --inside;
  });

  EXPECT_TRUE(Ok(done));
  EXPECT_EQ(calls, std::vector<int>(requests.size(), 1));
  EXPECT_EQ(sink.advanced, total);
}

TEST_P(HashSourcesOnThreads, OneLargeSourceWithTheTreeAlone) {
  const WatchedSource source(SampleBytes(33 * kMiB + 5), "memory");
  const HashRequest request{&source, {Algorithm::kTree}};
  TreeHasher tree;
  tree.Update(SampleBytes(source.Size()));
  const TreeHasher::Tree expected = tree.Finish();

  ASSERT_TRUE(Ok(HashAll({&request, 1}, task_, [&](std::size_t, Result<HashOutcome> outcome) {
    ASSERT_TRUE(Ok(outcome));
    EXPECT_EQ(outcome->digests, std::vector<Digest>{expected.root});
    EXPECT_EQ(outcome->sub_roots, expected.sub_roots);
  })));
  EXPECT_EQ(source.BytesRead(), source.Size());
}

TEST_P(HashSourcesOnThreads, ASourceThatFailsDoesNotStopTheOthers) {
  std::vector<std::unique_ptr<WatchedSource>> sources;
  std::vector<HashRequest> requests;
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t fails_at = i % 2 == 1 ? i * kMiB : ~std::uint64_t{0};
    sources.push_back(
        std::make_unique<WatchedSource>(SampleBytes(9 * kMiB), std::to_string(i), fails_at));
    requests.push_back(
        {sources.back().get(), {Algorithm::kMd5, Algorithm::kTree}, i == 1 ? "named" : ""});
  }
  const Digest md5 = HashBytes(Algorithm::kMd5, SampleBytes(9 * kMiB));
  std::vector<int> calls(8);
  CountingSink sink;
  task_.progress = &sink;

  const auto done = HashAll(requests, task_, [&](std::size_t i, Result<HashOutcome> outcome) {
    ++calls[i];
    if (i % 2 == 0) {
      ASSERT_TRUE(Ok(outcome));
      EXPECT_EQ(outcome->digests[0], md5);
    } else {
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code, Errc::kIo);
      EXPECT_EQ(outcome.error().subject, std::to_string(i));
      EXPECT_EQ(outcome.error().message, "the disc is bad");
    }
  });

  EXPECT_TRUE(Ok(done));
  EXPECT_EQ(calls, std::vector<int>(8, 1));
  EXPECT_EQ(sink.names, std::vector<std::string>{"named"});
}

TEST_P(HashSourcesOnThreads, StopsBetweenBuffers) {
  std::atomic<bool> stopped{false};
  class StoppingSink final : public ProgressSink {
   public:
    explicit StoppingSink(std::atomic<bool>& flag) : flag_(flag) {}
    void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
    void Advance(std::uint64_t) override { flag_ = true; }
    void FileDone(std::string_view) override {}

   private:
    std::atomic<bool>& flag_;
  } sink(stopped);
  task_.progress = &sink;
  task_.stopped = &stopped;
  const WatchedSource source(SampleBytes(64 * kMiB), "memory");
  const HashRequest request{&source, {Algorithm::kMd5, Algorithm::kCrc32}};

  const auto done =
      HashAll({&request, 1}, task_, [](std::size_t, Result<HashOutcome>) { FAIL() << "reported"; });

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kInterrupted);
  EXPECT_LE(source.BytesRead(), (GetParam() + 1) * kMiB);
}

TEST_P(HashSourcesOnThreads, NothingAskedForIsNothingRead) {
  const WatchedSource source(SampleBytes(kMiB), "memory", 0);
  const HashRequest request{&source, {}};
  int calls = 0;
  ASSERT_TRUE(Ok(HashAll({&request, 1}, task_, [&](std::size_t, Result<HashOutcome> outcome) {
    ++calls;
    ASSERT_TRUE(Ok(outcome));
    EXPECT_TRUE(outcome->digests.empty());
  })));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(source.BytesRead(), 0u);
  EXPECT_TRUE(Ok(HashAll({}, task_, [](std::size_t, Result<HashOutcome>) { FAIL(); })));
}

TEST_P(HashSourcesOnThreads, AnswersInTheOrderAskedForRepeatsIncluded) {
  const WatchedSource source(SampleBytes(3 * kMiB), "memory");
  const HashRequest request{
      &source, {Algorithm::kTree, Algorithm::kMd5, Algorithm::kCrc32, Algorithm::kMd5}};
  ASSERT_TRUE(Ok(HashAll({&request, 1}, task_, [&](std::size_t, Result<HashOutcome> outcome) {
    ASSERT_TRUE(Ok(outcome));
    ASSERT_EQ(outcome->digests.size(), request.algorithms.size());
    for (std::size_t i = 0; i < request.algorithms.size(); ++i) {
      EXPECT_EQ(outcome->digests[i].GetAlgorithm(), request.algorithms[i]);
    }
    EXPECT_EQ(outcome->digests[1], outcome->digests[3]);
  })));
  EXPECT_EQ(source.BytesRead(), source.Size());
}

TEST(HashSources, TheCallersErrorEndsTheWork) {
  const WatchedSource small(SampleBytes(1), "memory"), large(SampleBytes(64 * kMiB), "memory");
  const HashRequest requests[] = {{&small, {Algorithm::kMd5}}, {&large, {Algorithm::kMd5}}};
  const auto done = HashSources(requests, Task{1}, [](std::size_t i, Result<HashOutcome>) {
    EXPECT_EQ(i, 0u);
    return Result<void>(Error{Errc::kIo, "list", "no space left"});
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().subject, "list");
  EXPECT_EQ(large.BytesRead(), 0u);
}

// A slow digest may lag behind a fast one by no more than the buffers there are.
TEST(HashSources, HoldsFewBuffersHoweverLargeTheSource) {
  class CountingSource final : public BlockSource {
   public:
    std::uint64_t Size() const override { return 96 * kMiB; }
    Result<void> Read(std::uint64_t, MutableByteSpan out) const override {
      const std::lock_guard lock(mutex_);
      buffers_.insert(out.data());
      std::fill(out.begin(), out.end(), std::byte{7});
      return {};
    }
    std::size_t Buffers() const { return buffers_.size(); }

   private:
    mutable std::mutex mutex_;
    mutable std::set<const std::byte*> buffers_;
  } source;
  const HashRequest request{&source, {Algorithm::kMd5, Algorithm::kTree, Algorithm::kCrc32}};
  ASSERT_TRUE(Ok(HashAll({&request, 1}, Task{2}, [](std::size_t, Result<HashOutcome> outcome) {
    EXPECT_TRUE(Ok(outcome));
  })));
  EXPECT_LE(source.Buffers(), 6u);
}

// The size of a source is only a claim: one that cannot be read must not cost memory.
TEST(HashSources, AnAbsurdSizeIsJustAnUnreadableSource) {
  class AbsurdSource final : public BlockSource {
   public:
    std::uint64_t Size() const override { return ~std::uint64_t{0}; }
    Result<void> Read(std::uint64_t offset, MutableByteSpan) const override {
      return Error{Errc::kIo, "absurd", "nothing here", offset};
    }
  } source;
  const HashRequest request{&source, EveryAlgorithm()};
  ASSERT_TRUE(Ok(HashAll({&request, 1}, Task{4}, [](std::size_t, Result<HashOutcome> outcome) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().subject, "absurd");
  })));
}

}  // namespace
}  // namespace hallmark
