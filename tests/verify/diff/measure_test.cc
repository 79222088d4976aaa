#include "verify/diff/measure.h"

#include <cstring>
#include <random>

#include "src/kernels/quantise.h"
#include "src/kernels/round.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

struct Values {
  std::vector<float> floats;
  std::unique_ptr<File> file;
};
Values MakeValues(std::size_t count, unsigned seed, float noise) {
  std::mt19937 random(1);
  std::mt19937 other(seed);
  std::normal_distribution<float> normal(0, 0.02f);
  Values values;
  for (std::size_t i = 0; i < count; ++i) {
    values.floats.push_back(normal(random) + noise * normal(other));
  }
  std::vector<std::byte> bytes(count * 4);
  std::memcpy(bytes.data(), values.floats.data(), bytes.size());
  values.file = MakeMemoryFile(std::move(bytes), "values");
  return values;
}

// Cuts large tensors into tiles that several threads measure in any order.
TEST(MeasurePairs, DoesNotDependOnThreads) {
  const std::size_t count = 5'000'003;
  const Values a = MakeValues(count, 2, 0.1f), b = MakeValues(count, 3, 0.1f);
  ValueComparison whole;
  std::vector<ValueComparison> found;
  for (const unsigned threads : {1u, 2u, 5u}) {
    for (const bool random_access : {true, false}) {
      const PairToMeasure pair{a.file.get(), Dtype::kF32, b.file.get(),
                               Dtype::kF32,  count,       random_access};
      Task task;
      task.threads = threads;
      const auto measured = MeasurePairs({&pair, 1}, {}, task);
      ASSERT_TRUE(Ok(measured));
      found.push_back(measured->front().values);
    }
  }
  CompareValues(Dtype::kF32, std::as_bytes(std::span(a.floats)), Dtype::kF32,
                std::as_bytes(std::span(b.floats)), &whole);
  for (const ValueComparison& values : found) {
    EXPECT_EQ(values.values, count);
    EXPECT_EQ(values.differing, whole.differing);
    EXPECT_EQ(values.max_abs, whole.max_abs);
    EXPECT_EQ(values.max_abs_at, whole.max_abs_at);
    EXPECT_EQ(values.max_relative_at, whole.max_relative_at);
    EXPECT_EQ(values.squares_of_difference, found.front().squares_of_difference);
    EXPECT_EQ(values.products, found.front().products);
    EXPECT_NEAR(values.products / whole.products, 1, 1e-12);
  }
}

TEST(MeasurePairs, TypesWithoutPlainValuesAreComparedAsBytes) {
  const auto a = TestFile(std::string(1000, 'x')), same = TestFile(std::string(1000, 'x'));
  std::string text(1000, 'x');
  text[999] = 'y';
  const auto other = TestFile(text);
  const std::vector<PairToMeasure> pairs = {
      {a.get(), Dtype::kC64, same.get(), Dtype::kC64, 0},
      {a.get(), Dtype::kC64, other.get(), Dtype::kC64, 0},
  };
  const auto measured = MeasurePairs(pairs, {}, Task{});

  ASSERT_TRUE(Ok(measured));
  EXPECT_TRUE((*measured)[0].same_bytes);
  EXPECT_FALSE((*measured)[1].same_bytes);
  EXPECT_EQ((*measured)[1].values.values, 0u);
}

TEST(MeasurePairs, LooksAtBlocksToo) {
  const Values a = MakeValues(64 * 1024, 1, 0);
  std::vector<std::byte> blocks(a.floats.size() / 256 * 144);
  ASSERT_TRUE(Quantise(Dtype::kQ4_K, a.floats, 256, {}, blocks));
  const auto honest = MakeMemoryFile(blocks, "honest");
  blocks[144 * 100 + 20] ^= std::byte{0xff};
  const auto edited = MakeMemoryFile(blocks, "edited");
  const std::vector<PairToMeasure> pairs = {
      {a.file.get(), Dtype::kF32, honest.get(), Dtype::kQ4_K, a.floats.size()},
      {edited.get(), Dtype::kQ4_K, a.file.get(), Dtype::kF32, a.floats.size()},
      {honest.get(), Dtype::kQ4_K, edited.get(), Dtype::kQ4_K, a.floats.size()},
  };
  const auto measured = MeasurePairs(pairs, {}, Task{});

  ASSERT_TRUE(Ok(measured));
  ASSERT_TRUE((*measured)[0].rounding && (*measured)[1].rounding);
  EXPECT_EQ((*measured)[0].rounding->blocks, 256u);
  EXPECT_EQ((*measured)[0].rounding->within, 256u);
  EXPECT_EQ((*measured)[1].rounding->within, 255u);
  EXPECT_FALSE((*measured)[2].rounding);
  EXPECT_EQ((*measured)[2].values.differing, 2u);  // one byte of quants
}

TEST(MeasurePairs, AnUnreadableTensorDoesNotStopTheOthers) {
  class Broken : public BlockSource {
   public:
    std::uint64_t Size() const override { return 400; }
    Result<void> Read(std::uint64_t, MutableByteSpan) const override {
      return Error{Errc::kIo, "disk", "broken"};
    }
  };
  const Broken broken;
  const Values good = MakeValues(100, 1, 0);
  const std::vector<PairToMeasure> pairs = {
      {&broken, Dtype::kF32, good.file.get(), Dtype::kF32, 100},
      {good.file.get(), Dtype::kF32, good.file.get(), Dtype::kF32, 100},
  };
  const auto measured = MeasurePairs(pairs, {}, Task{});

  ASSERT_TRUE(Ok(measured));
  ASSERT_TRUE((*measured)[0].error);
  EXPECT_EQ((*measured)[0].error->message, "broken");
  EXPECT_FALSE((*measured)[1].error);
  EXPECT_TRUE((*measured)[1].same_bytes);
}

TEST(MeasurePairs, StopsWhenAsked) {
  const Values a = MakeValues(100, 1, 0);
  const PairToMeasure pair{a.file.get(), Dtype::kF32, a.file.get(), Dtype::kF32, 100};
  const std::atomic<bool> stopped = true;
  Task task;
  task.stopped = &stopped;
  const auto measured = MeasurePairs({&pair, 1}, {}, task);

  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().code, Errc::kInterrupted);
}

}  // namespace
}  // namespace hallmark
