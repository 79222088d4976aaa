#include "verify/match.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

Source Listing(std::vector<std::string> paths) {
  Source source;
  for (std::string& path : paths) source.files.push_back({std::move(path), {}, {}, 0});
  return source;
}

DirectoryListing Present(std::vector<std::string> paths) {
  DirectoryListing listing;
  for (std::string& path : paths) listing.files.push_back({path, path, 1, false});
  return listing;
}

using Match = std::vector<std::optional<std::size_t>>;

TEST(MatchByName, PrefersPathsThenUniqueNames) {
  EXPECT_EQ(MatchByName(Listing({"a/x.bin", "y.bin"}), Present({"b/x.bin", "y.bin"})),
            (Match{0, 1}));
  EXPECT_EQ(MatchByName(Listing({"x.bin"}), Present({"a/x.bin", "x.bin"})), (Match{1}));
}

TEST(MatchByName, LeavesAmbiguousNamesToDigests) {
  EXPECT_EQ(MatchByName(Listing({"x.bin"}), Present({"a/x.bin", "b/x.bin"})),
            (Match{std::nullopt}));
  EXPECT_EQ(MatchByName(Listing({"a/x.bin", "b/x.bin"}), Present({"c/x.bin"})),
            (Match{std::nullopt, std::nullopt}));
}

TEST(MatchByName, TakesAFolderFromTheFrontOfAllPaths) {
  const Match both = {0, 1};
  EXPECT_EQ(MatchByName(Listing({"m/0/x", "m/1/x"}), Present({"0/x", "1/x"})), both);
  EXPECT_EQ(MatchByName(Listing({"a/b/0/x", "a/b/1/x"}), Present({"0/x", "1/x"})), both);
  EXPECT_EQ(MatchByName(Listing({"0/x", "1/x"}), Present({"m/0/x", "m/1/x"})), both);
  // One model of a mirror against the list of all: its folder has most of the names.
  EXPECT_EQ(MatchByName(Listing({"0/x", "0/y", "1/x", "1/y", "1/z"}), Present({"x", "y", "z"})),
            (Match{std::nullopt, std::nullopt, 0, 1, 2}));
  // Two that have as many: nothing is clear.
  EXPECT_EQ(MatchByName(Listing({"0/x", "1/x"}), Present({"x"})),
            (Match{std::nullopt, std::nullopt}));
}

TEST(MatchByName, GivesAFileAwayOnce) {
  EXPECT_EQ(MatchByName(Listing({"x.bin", "x.bin"}), Present({"x.bin"})), (Match{0, std::nullopt}));
}

TEST(MatchByName, ALoneHashFitsALoneFile) {
  EXPECT_EQ(MatchByName(Listing({""}), Present({"any.bin"})), (Match{0}));
  EXPECT_EQ(MatchByName(Listing({""}), Present({"a", "b"})), (Match{std::nullopt}));
}

TEST(FindUnfinished, KnowsTheNamesOfDownloadTools) {
  EXPECT_EQ(FindUnfinished("x.bin", Present({"a", "x.bin.part"})), 1u);
  EXPECT_EQ(FindUnfinished("x.bin", Present({"x.bin.incomplete"})), 0u);
  EXPECT_FALSE(FindUnfinished("x.bin", Present({"x.bin", "y.bin.part"})));
  EXPECT_TRUE(HasControlFile("x.bin", Present({"x.bin", "x.bin.aria2"})));
  EXPECT_FALSE(HasControlFile("x.bin", Present({"x.bin"})));
}

}  // namespace
}  // namespace hallmark
