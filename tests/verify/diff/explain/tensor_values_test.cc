#include "verify/diff/explain/tensor_values.h"

#include <cmath>
#include <limits>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::unique_ptr<File> F32File(const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return MakeMemoryFile({bytes.begin(), bytes.end()}, "f32");
}

// Sample of a tensor whose value at each index is the index, and whose copy is one more.
ValueSample SampleOfIndices(const Shape& shape) {
  std::vector<float> a(*ElementCount(shape)), b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i), b[i] = a[i] + 1;
  const auto file_a = F32File(a), file_b = F32File(b);
  ValueComparison values;
  values.values = values.differing = a.size();
  values.last_differing = a.empty() ? 0 : a.size() - 1;
  const DifferingTensor tensor{"t",         "globals",    shape,        Dtype::kF32,
                               Dtype::kF32, file_a.get(), file_b.get(), &values};
  const auto sample = SampleValues(tensor, {});
  EXPECT_TRUE(Ok(sample));
  for (std::size_t i = 0; i < sample->a.size(); ++i) EXPECT_EQ(sample->b[i], sample->a[i] + 1);
  return *sample;
}

TEST(SampleValues, TakesAllOfASmallMatrixAndFoldsTheOuterDimensions) {
  const ValueSample sample = SampleOfIndices({3, 5, 7});
  EXPECT_EQ(sample.rows, 15u);
  EXPECT_EQ(sample.columns, 7u);
  for (std::size_t i = 0; i < sample.a.size(); ++i) EXPECT_EQ(sample.a[i], static_cast<float>(i));
}

TEST(SampleValues, TakesAlignedRunsOfWideRowsHoweverTheyAreRead) {
  for (const std::uint64_t columns : {1056u, 2048u, 40000u}) {
    const ValueSample sample = SampleOfIndices({20, columns});
    ASSERT_EQ(sample.columns, 1024u);
    for (std::size_t r = 0; r < sample.rows; ++r) {
      for (std::size_t c = 0; c < sample.columns; ++c) {
        const auto column = static_cast<std::uint64_t>(sample.a[r * 1024 + c]) - r * columns;
        ASSERT_LT(column, columns);
        EXPECT_EQ(column % 256, c % 256);
      }
    }
    // The first and the last whole run are among them.
    EXPECT_EQ(sample.a[0], 0);
    EXPECT_EQ(sample.a[768], static_cast<float>(columns / 256 * 256 - 256));
  }
}

TEST(ReadValues, BeginsAndEndsWithinBlocks) {
  // Two q8_0 blocks of scale 1: value i is i - 20.
  std::vector<std::byte> blocks;
  for (int block = 0; block < 2; ++block) {
    blocks.push_back(std::byte{0x00});
    blocks.push_back(std::byte{0x3c});
    for (int i = 0; i < 32; ++i) blocks.push_back(static_cast<std::byte>(block * 32 + i - 20));
  }
  const auto file = MakeMemoryFile(blocks, "q8_0");
  std::vector<float> values(10);
  ASSERT_TRUE(Ok(ReadValues(*file, Dtype::kQ8_0, 27, values)));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], 27 + i - 20);
}

TEST(StepOf, IsTheDistanceToTheNextValue) {
  EXPECT_EQ(StepOf(Dtype::kF32, 1.5), std::nextafter(1.5f, 2.0f) - 1.5f);
  EXPECT_EQ(StepOf(Dtype::kF32, 0), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(StepOf(Dtype::kBf16, 1), 0.0078125);
  EXPECT_EQ(StepOf(Dtype::kF16, 1e-7), std::ldexp(1.0, -24));
}

}  // namespace
}  // namespace hallmark
