#include "formats/strided.h"

#include <numeric>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// Counts what is read, to tell streaming from thrashing.
class CountingSource final : public BlockSource {
 public:
  explicit CountingSource(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t Size() const override { return bytes_.size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return Error{Errc::kIo, "source", "out of range", offset};
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    read_ += out.size();
    return {};
  }
  std::uint64_t BytesRead() const { return read_; }

 private:
  std::vector<std::byte> bytes_;
  mutable std::uint64_t read_ = 0;
};

CountingSource Numbered(std::size_t items, std::uint32_t item_bytes) {
  std::vector<std::byte> bytes(items * item_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] =
        static_cast<std::byte>((i / item_bytes * 2654435761u) >> (8 * (i % item_bytes) % 24));
  }
  return CountingSource(std::move(bytes));
}

// The definition: index by index.
std::vector<std::byte> Naive(const CountingSource& source, const StridedView& view) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : view.sizes) count *= size;
  std::vector<std::byte> out(count * view.item_bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t rest = i;
    std::uint64_t at = view.offset;
    for (std::size_t d = view.sizes.size(); d-- > 0;) {
      at += rest % view.sizes[d] * view.strides[d];
      rest /= view.sizes[d];
    }
    EXPECT_TRUE(source.Read(at * view.item_bytes,
                            MutableByteSpan(out).subspan(i * view.item_bytes, view.item_bytes)));
  }
  return out;
}

struct Case {
  Shape sizes;
  std::vector<std::uint64_t> strides;
  std::uint64_t offset;
};

TEST(Strided, GathersEveryLayoutAtEveryPlace) {
  const Case cases[] = {
      {{}, {}, 5},
      {{7}, {1}, 3},
      {{7}, {9}, 0},
      {{5, 6}, {6, 1}, 2},               // contiguous
      {{6, 5}, {1, 6}, 2},               // transposed
      {{3, 3}, {8, 2}, 17},              // every other column
      {{3, 2}, {0, 1}, 4},               // repeated rows
      {{2, 3}, {1, 0}, 4},               // repeated columns
      {{4, 4}, {1, 1}, 0},               // overlapping
      {{1, 3, 2, 2}, {12, 1, 6, 3}, 0},  // channels last
      {{2, 1, 3, 4}, {12, 99, 4, 1}, 1},
      {{3, 4, 5}, {1, 15, 3}, 0},
  };
  for (const std::uint32_t item : {1u, 2u, 4u, 8u, 16u}) {
    const CountingSource source = Numbered(100, item);
    for (const Case& c : cases) {
      const StridedView view{c.sizes, c.strides, c.offset, item};
      SCOPED_TRACE(testing::PrintToString(c.sizes) + " by " + testing::PrintToString(c.strides));
      const std::vector<std::byte> expected = Naive(source, view);
      const std::size_t count = expected.size() / item;
      for (std::size_t first = 0; first < count; ++first) {
        for (std::size_t last = first + 1; last <= count; ++last) {
          std::vector<std::byte> out((last - first) * item);
          ASSERT_TRUE(Ok(Gather(source, view, first, out)));
          ASSERT_TRUE(std::equal(out.begin(), out.end(),
                                 expected.begin() + static_cast<std::ptrdiff_t>(first * item)))
              << first << " to " << last;
        }
      }
    }
  }
}

TEST(Strided, KnowsWhatIsContiguousAndWhatIsTouched) {
  EXPECT_TRUE(IsContiguous({{2, 1, 3}, {3, 77, 1}, 5, 4}));
  EXPECT_TRUE(IsContiguous({{0, 3}, {9, 9}, 0, 4}));
  EXPECT_TRUE(IsContiguous({{}, {}, 0, 4}));
  EXPECT_FALSE(IsContiguous({{2, 3}, {4, 1}, 0, 4}));
  EXPECT_FALSE(IsContiguous({{2, 3}, {1, 2}, 0, 4}));

  EXPECT_EQ(TouchedItems({{2, 3}, {4, 1}, 5, 4})->end, 12u);
  EXPECT_EQ(TouchedItems({{0, 3}, {~std::uint64_t{0}, 1}, 5, 4})->end, 0u);
  EXPECT_FALSE(TouchedItems({{3}, {std::uint64_t{1} << 63}, 0, 4}));
  EXPECT_FALSE(TouchedItems({{2}, {1}, ~std::uint64_t{0} - 1, 4}));
  EXPECT_FALSE(TouchedItems({Shape(65, 1), std::vector<std::uint64_t>(65, 1), 0, 4}));
}

// Reading a transposed matrix front to back in small steps reads the storage a few times, not once
// for every row.
TEST(Strided, StreamsATransposedMatrix) {
  const std::uint64_t rows = 1024;
  const std::uint64_t columns = 6000;
  const CountingSource source = Numbered(rows * columns, 2);
  const StridedView view{{columns, rows}, {1, columns}, 0, 2};
  GatherCache cache;
  std::uint64_t wrong = 0;
  for (std::uint64_t row = 0; row < columns; row += 8) {
    std::vector<std::byte> out(8 * rows * 2);
    ASSERT_TRUE(Ok(cache.Read(1, source, view, row * rows, out)));
    std::byte expected[2];
    ASSERT_TRUE(source.Read(row * 2, expected));
    if (!std::equal(expected, expected + 2, out.begin())) ++wrong;
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(source.BytesRead(), 4 * source.Size());
}

// One column of a wide matrix needs its items only, not the megabytes between them.
TEST(Strided, SkipsFarGaps) {
  const CountingSource source = Numbered(100 * 50'000, 4);
  const StridedView view{{100}, {50'000}, 7, 4};
  std::vector<std::byte> out(400);
  ASSERT_TRUE(Ok(Gather(source, view, 0, out)));
  EXPECT_EQ(source.BytesRead(), 400u);
}

}  // namespace
}  // namespace hallmark
