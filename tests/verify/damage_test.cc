#include "verify/damage.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kSpan = kSubRootSpan;

TreeNode Node(int value) {
  TreeNode node{};
  node[0] = static_cast<std::byte>(value);
  return node;
}

ManifestFile Listed(std::uint64_t size, std::vector<TreeNode> sub_roots) {
  return {"f", size, {}, std::move(sub_roots)};
}

TEST(DifferingSpans, MergesNeighboursAndEndsWithTheFile) {
  const std::uint64_t size = 3 * kSpan + 5;
  const auto listed = Listed(size, {Node(1), Node(2), Node(3), Node(4)});

  EXPECT_EQ(DifferingSpans(listed, size, {Node(1), Node(9), Node(9), Node(4)}),
            (std::vector<ByteRange>{{kSpan, 2 * kSpan}}));
  EXPECT_EQ(DifferingSpans(listed, size, {Node(9), Node(2), Node(3), Node(9)}),
            (std::vector<ByteRange>{{0, kSpan}, {3 * kSpan, 5}}));
  EXPECT_TRUE(DifferingSpans(listed, size, listed.sub_roots).empty());
}

TEST(DifferingSpans, ASmallFileIsOneStretch) {
  EXPECT_EQ(DifferingSpans(Listed(100, {}), 100, {}), (std::vector<ByteRange>{{0, 100}}));
}

TEST(IntactSpans, CountsOnlyWholeSpansOfACutFile) {
  const auto listed = Listed(4 * kSpan, {Node(1), Node(2), Node(3), Node(4)});

  EXPECT_EQ(IntactSpans(listed, 2 * kSpan + 7, {Node(1), Node(2), Node(3)}),
            (std::vector<ByteRange>{{0, 2 * kSpan}}));
}

TEST(CompareBytes, MergesNearAndSeparatesFarDifferences) {
  std::string a(3'000'000, 'x');
  std::string b = a;
  b[10] = b[20] = b[2'500'000] = 'y';
  const auto ours = TestFile(a);
  const auto theirs = TestFile(b);

  const auto stretches = CompareBytes(*ours, *theirs, Task{});

  ASSERT_TRUE(Ok(stretches));
  ASSERT_EQ(stretches->size(), 2u);
  EXPECT_EQ((*stretches)[0].range, (ByteRange{10, 11}));
  EXPECT_EQ((*stretches)[0].count, 2u);
  EXPECT_EQ((*stretches)[1].range, (ByteRange{2'500'000, 1}));
}

TEST(NameDamage, AStretchFallsApartIntoTheTensorsThatDiffer) {
  const KnownPlaces known{{{{500, 20}, "model.layers.3.w", "model.layers.3"},
                           {{150, 10}, "model.layers.1.b", "model.layers.1"},
                           {{100, 50}, "model.layers.1.w", "model.layers.1"}},
                          true};

  const auto damage = NameDamage({{{0, 1000}, 0}, {{2000, 10}, 0}}, known);

  ASSERT_EQ(damage.size(), 3u);
  EXPECT_EQ(damage[0].range, (ByteRange{100, 60}));
  EXPECT_EQ(damage[0].tensors, (std::vector<std::string>{"model.layers.1.w", "model.layers.1.b"}));
  EXPECT_EQ(damage[0].groups, (std::vector<std::string>{"model.layers.1"}));
  EXPECT_EQ(damage[1].range, (ByteRange{500, 20}));
  EXPECT_EQ(damage[1].tensors, (std::vector<std::string>{"model.layers.3.w"}));
  EXPECT_EQ(damage[2].range, (ByteRange{2000, 10}));
  EXPECT_TRUE(damage[2].tensors.empty());
  EXPECT_TRUE(damage[2].tensors_known);
}

TEST(NameDamage, AnExactStretchStaysAsItIs) {
  const KnownPlaces known{{{{100, 50}, "a", "g"}}, true};
  const auto damage = NameDamage({{{90, 20}, 7}}, known);
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].range, (ByteRange{90, 20}));
  EXPECT_EQ(damage[0].differing_bytes, 7u);
  EXPECT_EQ(damage[0].tensors, (std::vector<std::string>{"a"}));
}

TEST(NameDamage, NamesAllTensorsOfAStretchThatWereNotCompared) {
  const KnownPlaces known{{{{8, 8}, "a", "globals"}, {{16, 8}, "h.0.b", "h.0"}}, false};

  const auto damage = NameDamage({{{12, 100}, 0}}, known);

  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].range, (ByteRange{12, 100}));
  EXPECT_EQ(damage[0].tensors, (std::vector<std::string>{"a", "h.0.b"}));
  EXPECT_EQ(damage[0].groups, (std::vector<std::string>{"globals", "h.0"}));
}

TEST(NameDamage, SaysNothingOfTensorsWhosePlacesAreNotKnown) {
  const auto damage = NameDamage({{{12, 100}, 0}}, std::nullopt);
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_TRUE(damage[0].tensors.empty());
  EXPECT_FALSE(damage[0].tensors_known);
}

}  // namespace
}  // namespace hallmark
