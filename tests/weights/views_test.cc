#include "weights/views.h"

#include <bit>
#include <random>

#include "tests/weights/fake_model.h"

namespace hallmark {
namespace {

Bytes Memory(std::string bytes) { return TestFile(bytes); }

std::string Random(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// Reads `source` whole and by pieces that start and end anywhere.
void ExpectReads(const BlockSource& source, const std::string& expected) {
  ASSERT_EQ(source.Size(), expected.size());
  std::string all(expected.size(), '\0');
  ASSERT_TRUE(Ok(source.Read(0, std::as_writable_bytes(std::span(all)))));
  EXPECT_TRUE(all == expected);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const std::size_t offset = random() % (expected.size() + 1);
    const std::size_t limit = i % 2 == 0 ? 50 : expected.size() - offset;
    const std::size_t size =
        std::min<std::size_t>(random() % (limit + 1), expected.size() - offset);
    std::string piece(size, '\0');
    ASSERT_TRUE(Ok(source.Read(offset, std::as_writable_bytes(std::span(piece)))));
    ASSERT_TRUE(piece == expected.substr(offset, size)) << offset << " " << size;
  }
  std::byte beyond[2];
  EXPECT_FALSE(source.Read(expected.size() - std::min<std::size_t>(1, expected.size()), beyond));
  EXPECT_FALSE(source.Read(UINT64_MAX, beyond));
}

TEST(Views, SliceAndJoinRows) {
  const std::string a = Random(1000, 1), b = Random(1, 2), c = Random(333, 3);
  std::vector<Bytes> parts;
  for (const std::string& part : {a, std::string(), b, c}) parts.push_back(Memory(part));
  ExpectReads(*JoinRows(std::move(parts)), a + b + c);
  ExpectReads(*Slice(Memory(a), 17, 500), a.substr(17, 500));
  ExpectReads(*Slice(Memory(a), 1000, 0), "");
}

TEST(Views, JoinColumnsOfAnyWidth) {
  for (const std::size_t rows : {1, 7, 600}) {
    for (const auto& widths : {std::vector<std::size_t>{5, 1, 12}, {3, 0, 4}, {5000, 2000}}) {
      std::vector<std::string> stored;
      std::vector<Bytes> parts;
      for (const std::size_t width : widths) {
        stored.push_back(Random(rows * width, static_cast<unsigned>(width)));
        parts.push_back(Memory(stored.back()));
      }
      std::string expected;
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
          expected += stored[i].substr(row * widths[i], widths[i]);
        }
      }
      ExpectReads(*JoinColumns(std::move(parts), rows), expected);
    }
  }
}

// Small heads that are read at once, large rows that are read one by one, and heads larger than
// the scratch memory made of short rows.
TEST(Views, SplitRotaryPairsOfAnySize) {
  struct Layout {
    std::size_t heads, pairs, row_bytes;
  };
  for (const Layout l :
       {Layout{1, 1, 3}, {4, 8, 10}, {3, 5, 1}, {2, 3, 700'000}, {1, 300'000, 9}}) {
    const std::size_t rows = l.heads * l.pairs * 2;
    const std::string stored = Random(rows * l.row_bytes, static_cast<unsigned>(rows));
    std::string expected;
    for (std::size_t head = 0; head < l.heads; ++head) {
      for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t i = 0; i < l.pairs; ++i) {
          expected += stored.substr(((head * l.pairs + i) * 2 + half) * l.row_bytes, l.row_bytes);
        }
      }
    }
    ExpectReads(*SplitRotaryPairs(Memory(stored), l.heads, rows), expected);
    ExpectReads(*JoinRotaryPairs(Memory(expected), l.heads, rows), stored);
  }
}

TEST(Views, SliceColumnsOfAnyWidth) {
  for (const std::size_t rows : {1, 7, 600}) {
    for (const std::size_t width : {5, 12, 9000}) {
      const std::string stored = Random(rows * width, static_cast<unsigned>(width));
      for (const auto& [from, kept] : {std::pair<std::size_t, std::size_t>{0, 5},
                                       {1, 3},
                                       {width - 2, 2},
                                       {width / 2, width - width / 2}}) {
        std::string expected;
        for (std::size_t row = 0; row < rows; ++row) {
          expected += stored.substr(row * width + from, kept);
        }
        ExpectReads(*SliceColumns(Memory(stored), rows, from, kept), expected);
      }
    }
  }
}

TEST(Views, SubtractOneInF64) {
  std::string stored, expected;
  const auto add = [&](float value, double result) {
    stored += F32({value});
    expected += Le64(std::bit_cast<std::uint64_t>(result));
  };
  add(1.0f, 0.0);
  add(0.0f, -1.0);
  add(-0.0f, -1.0);
  add(1.5f, 0.5);
  add(1e-10f, static_cast<double>(1e-10f) - 1.0);
  add(INFINITY, INFINITY);
  stored += Le32(0xff800001);  // a signalling NaN becomes quiet and keeps sign and payload
  expected += Le64(0xfff8000020000000);
  ExpectReads(*MinusOne(Memory(stored), Dtype::kF32), expected);
  ExpectReads(*MinusOne(Memory(Bits16({0x3f80, 0x4000})), Dtype::kBf16),
              Le64(0) + Le64(std::bit_cast<std::uint64_t>(1.0)));
}

}  // namespace
}  // namespace hallmark
