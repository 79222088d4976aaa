#include "verify/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;

TEST(ParsePart, TakesWhatIsAPart) {
  EXPECT_EQ(ParsePart("3/16"), (Part{3, 16}));
  EXPECT_EQ(ParsePart("1/1"), (Part{1, 1}));
  for (const char* text : {"", "3", "/", "3/", "/3", "0/3", "4/3", "-1/3", "1/100001", "1/2/3"}) {
    EXPECT_FALSE(ParsePart(text)) << text;
  }
}

TEST(DivideWork, GivesTheLargestFirstToWhoHasLeast) {
  const std::vector<WorkItem> items = {
      {"a", 10'000'000}, {"b", 60'000'000}, {"c", 50'000'000}, {"d", 30'000'000}};

  // 60 to the first, 50 to the second, 30 to the second (80), 10 to the first (70).
  EXPECT_THAT(DivideWork(items, 2), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(DivideWork(items, 1), ElementsAre(1, 1, 1, 1));
  EXPECT_TRUE(DivideWork({}, 3).empty());
}

TEST(DivideWork, DoesNotDependOnTheOrder) {
  std::vector<std::string> names;
  std::vector<WorkItem> items;
  for (int i = 0; i < 100; ++i) names.push_back(fmt::format("file-{}", i));
  for (int i = 0; i < 100; ++i)
    items.push_back({names[i], static_cast<std::uint64_t>(i % 7) * 999});
  const std::vector<std::uint64_t> parts = DivideWork(items, 6);
  std::map<std::string_view, std::uint64_t> expected;
  for (std::size_t i = 0; i < items.size(); ++i) expected[items[i].key] = parts[i];

  std::ranges::reverse(items);
  const std::vector<std::uint64_t> again = DivideWork(items, 6);

  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(again[i], expected[items[i].key]);
}

TEST(DivideWork, SpreadsManySmallFiles) {
  const std::vector<WorkItem> items(1000, WorkItem{"empty", 0});
  std::map<std::uint64_t, int> counts;
  for (const std::uint64_t part : DivideWork(items, 10)) ++counts[part];

  EXPECT_EQ(counts.size(), 10u);
  for (const auto& [part, count] : counts) EXPECT_EQ(count, 100) << part;
}

TEST(DivideWork, HasNoTroubleWithSizesThatOverflow) {
  const std::uint64_t most = ~std::uint64_t{0};
  const std::vector<WorkItem> items = {{"a", most}, {"b", most}, {"c", most}};

  EXPECT_THAT(DivideWork(items, 2), ElementsAre(1, 2, 1));
}

TEST(Fingerprint, MarksEveryTextOff) {
  EXPECT_NE(Fingerprint().Add("ab").Add("c").Finish(), Fingerprint().Add("a").Add("bc").Finish());
}

TEST(Fingerprint, NoticesASizeATimeAndADigest) {
  const TemporaryFolder folder;
  folder.Write("a", "one");
  const auto print = [&] { return FingerprintOf(*ListFiles(folder.Path())); };
  const std::string before = print();
  EXPECT_EQ(print(), before);
  folder.Write("a", "other");
  EXPECT_NE(print(), before);

  Source source;
  source.files.push_back({.path = "a", .size = 3});
  const std::string listed = FingerprintOf(std::span(&source, 1));
  source.files[0].digests.push_back({HashBytes(Algorithm::kSha256, {})});
  EXPECT_NE(FingerprintOf(std::span(&source, 1)), listed);
}

}  // namespace
}  // namespace hallmark
