#include "transform/pack_plan.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// "SIZExELEMENT" of each piece; "+" before those with a base.
std::string PiecesText(const std::vector<FramePiece>& pieces) {
  std::string text;
  for (const FramePiece& piece : pieces) {
    text += (text.empty() ? "" : " ") + std::string(piece.base ? "+" : "") +
            std::to_string(piece.size) + "x" + std::to_string(ElementBytes(piece.layout));
  }
  return text;
}

const PlaneLayout kPairs = LayoutOf(Dtype::kBf16);
const PlaneLayout kQuads = LayoutOf(Dtype::kF32);

// ggml-common.h: block_q4_K is d, dmin, scales[12], qs[128]; block_q6_K ql[128], qh[64],
// scales[16], d.
TEST(LayoutOf, TakesBlocksApartByTheirFields) {
  EXPECT_EQ(LayoutOf(Dtype::kQ4_K), (PlaneLayout{{true, 2}, {true, 2}, {false, 12}, {false, 128}}));
  EXPECT_EQ(LayoutOf(Dtype::kQ6_K), (PlaneLayout{{false, 208}, {true, 2}}));
  EXPECT_EQ(LayoutOf(Dtype::kQ8_0), (PlaneLayout{{true, 2}, {false, 32}}));
  EXPECT_EQ(LayoutOf(Dtype::kQ4_1), (PlaneLayout{{true, 2}, {true, 2}, {false, 16}}));
  EXPECT_EQ(LayoutOf(Dtype::kQ4_1Ggjt1), (PlaneLayout{{true, 4}, {true, 4}, {false, 16}}));
  EXPECT_EQ(LayoutOf(Dtype::kQ2_K), (PlaneLayout{{false, 80}, {true, 2}, {true, 2}}));
  EXPECT_EQ(LayoutOf(Dtype::kI64), PlaneLayout());
}

TEST(LayoutOf, CoversEveryElement) {
  for (const DtypeInfo& info : kDtypes) {
    const PlaneLayout layout = LayoutOf(info.dtype);
    EXPECT_EQ(info.block_bytes % ElementBytes(layout), 0) << info.name;
    EXPECT_TRUE(!info.is_block_quantised || ElementBytes(layout) == info.block_bytes) << info.name;
  }
}

TEST(ArrangeRegions, JoinsNeighboursAndDropsWhatOverlapsOrIsSmall) {
  const auto regions = ArrangeRegions({
      {{20000, 10000}, kQuads, {}},
      {{0, 4000}, kPairs, {}},
      {{4000, 6000}, kPairs, {}},
      {{9000, 6000}, kPairs, {}},    // overlaps
      {{12000, 100}, kPairs, {}},    // small
      {{40000, 10001}, kPairs, {}},  // not whole elements: nothing can continue it
      {{50001, 5000}, kPairs, {}},
  });
  ASSERT_EQ(regions.size(), 4);
  EXPECT_EQ(regions[0].range, (ByteRange{0, 10000}));
  EXPECT_EQ(regions[1].range, (ByteRange{20000, 10000}));
  EXPECT_EQ(regions[3].range, (ByteRange{50001, 5000}));
}

TEST(ArrangeRegions, JoinsDifferencesOnlyIfTheBaseGoesOnToo) {
  const auto count = [](BasePlace second) {
    return ArrangeRegions({{{0, 8000}, kPairs, BasePlace{0, 100}}, {{8000, 8000}, kPairs, second}})
        .size();
  };
  EXPECT_EQ(count({0, 8100}), 1);
  EXPECT_EQ(count({0, 8102}), 2);
  EXPECT_EQ(count({1, 8100}), 2);
}

TEST(PiecesOf, CoverAFrameAndLeaveCutElementsAsTheyAre) {
  const std::vector<PackRegion> regions = {{{101, 4000}, kQuads, {}},
                                           {{4101, 5000}, kPairs, BasePlace{2, 7}}};
  EXPECT_EQ(PiecesText(PiecesOf({}, {0, 50})), "50x1");
  EXPECT_EQ(PiecesText(PiecesOf(regions, {0, 101})), "101x1");
  EXPECT_EQ(PiecesText(PiecesOf(regions, {0, 1000})), "101x1 896x4 3x1");
  EXPECT_EQ(PiecesText(PiecesOf(regions, {1000, 1000})), "1x1 996x4 3x1");
  EXPECT_EQ(PiecesText(PiecesOf(regions, {4000, 10000})), "1x1 100x4 +5000x2 4899x1");
  const auto cut = PiecesOf(regions, {4200, 800});
  EXPECT_EQ(PiecesText(cut), "+1x1 +798x2 +1x1");
  EXPECT_EQ(cut[0].base->offset, 7 + 4200 - 4101);
  EXPECT_EQ(cut[1].base->offset, 7 + 4201 - 4101);
  EXPECT_EQ(cut[2].base->file, 2);
  EXPECT_EQ(PiecesText(PiecesOf(regions, {20000, 10})), "10x1");
}

}  // namespace
}  // namespace hallmark
