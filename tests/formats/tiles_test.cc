#include "formats/tiles.h"

#include <cstring>
#include <numeric>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::string Check(const Shape& sizes, const std::vector<TensorBox>& boxes) {
  const Result<void> checked = CheckTiles(sizes, boxes);
  return checked ? "" : checked.error().message;
}

TEST(CheckTiles, TakesGridsAndCutsOfCuts) {
  EXPECT_EQ(Check({}, {{{}, {}}}), "");
  EXPECT_EQ(Check({4, 4}, {{{0, 0}, {4, 4}}}), "");
  EXPECT_EQ(Check({4, 4}, {{{2, 0}, {2, 4}}, {{0, 0}, {2, 4}}}), "");
  // Cut by rows; one half by columns, a quarter again by rows.
  EXPECT_EQ(Check({4, 4}, {{{0, 0}, {2, 4}}, {{2, 0}, {2, 1}}, {{2, 1}, {1, 3}}, {{3, 1}, {1, 3}}}),
            "");
  EXPECT_EQ(Check({3}, {{{0}, {3}}, {{3}, {0}}}), "");  // an empty piece
  EXPECT_EQ(Check({0, 4}, {}), "");
}

TEST(CheckTiles, RefusesGapsOverlapsAndPiecesOutside) {
  EXPECT_THAT(Check({4}, {}), HasSubstr("hold 0 of 4"));
  EXPECT_THAT(Check({4}, {{{0}, {3}}}), HasSubstr("hold 3 of 4"));
  EXPECT_THAT(Check({4}, {{{1}, {4}}}), HasSubstr("beyond the tensor"));
  EXPECT_THAT(Check({4}, {{{~std::uint64_t{0}}, {2}}}), HasSubstr("beyond the tensor"));
  EXPECT_THAT(Check({4}, {{{0}, {3}}, {{2}, {2}}}), HasSubstr("overlap"));
  EXPECT_THAT(Check({4}, {{{0}, {2}}, {{0}, {2}}}), HasSubstr("gaps"));
  EXPECT_THAT(Check({2, 2}, {{{0, 0}, {2, 1}}, {{0, 0}, {1, 2}}}), HasSubstr("overlap"));
  EXPECT_THAT(Check({4}, {{{0, 0}, {2, 2}}}), HasSubstr("2 dimensions"));
  // A pinwheel tiles, but no cut goes through it.
  EXPECT_THAT(Check({3, 3}, {{{0, 0}, {1, 2}},
                             {{0, 2}, {2, 1}},
                             {{2, 1}, {1, 2}},
                             {{1, 0}, {2, 1}},
                             {{1, 1}, {1, 1}}}),
              HasSubstr("straight cuts"));
}

TEST(CheckTiles, TakesManyPiecesInLittleTime) {
  std::vector<TensorBox> boxes;
  for (std::uint64_t row = 0; row < 300; ++row) {
    for (std::uint64_t column = 0; column < 300; ++column) {
      boxes.push_back({{row, column}, {1, 1}});
    }
  }
  EXPECT_EQ(Check({300, 300}, boxes), "");
}

// Every way to read a tensor of three dimensions in eight pieces.
TEST(ReadTiles, PutsPiecesTogetherAtEveryOffset) {
  const Shape sizes = {3, 4, 5};
  constexpr std::uint32_t kItem = 2;
  std::vector<std::byte> whole(3 * 4 * 5 * kItem);
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<std::byte>(i);
  std::vector<TensorBox> boxes;
  std::vector<std::vector<std::byte>> pieces;
  for (const auto& [x, dx] : {std::pair{0, 1}, {1, 2}}) {
    for (const auto& [y, dy] : {std::pair{0, 3}, {3, 1}}) {
      for (const auto& [z, dz] : {std::pair{0, 2}, {2, 3}}) {
        TensorBox box;
        for (const int at : {x, y, z}) box.offsets.push_back(static_cast<std::uint64_t>(at));
        for (const int size : {dx, dy, dz}) box.sizes.push_back(static_cast<std::uint64_t>(size));
        std::vector<std::byte> piece;
        for (int i = x; i < x + dx; ++i) {
          for (int j = y; j < y + dy; ++j) {
            const auto from = whole.begin() + ((i * 4 + j) * 5 + z) * static_cast<int>(kItem);
            piece.insert(piece.end(), from, from + dz * static_cast<int>(kItem));
          }
        }
        boxes.push_back(std::move(box));
        pieces.push_back(std::move(piece));
      }
    }
  }
  ASSERT_TRUE(Ok(CheckTiles(sizes, boxes)));
  const auto read = [&](std::size_t i, std::uint64_t offset, MutableByteSpan out) -> Result<void> {
    HM_CHECK(offset + out.size() <= pieces[i].size());
    std::memcpy(out.data(), pieces[i].data() + offset, out.size());
    return {};
  };
  for (std::size_t begin = 0; begin < whole.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= whole.size(); ++end) {
      std::vector<std::byte> out(end - begin);
      ASSERT_TRUE(Ok(ReadTiles(sizes, boxes, kItem, begin, out, read)));
      ASSERT_TRUE(std::equal(out.begin(), out.end(), whole.begin() + static_cast<long>(begin)))
          << begin << " to " << end;
    }
  }
}

}  // namespace
}  // namespace hallmark
