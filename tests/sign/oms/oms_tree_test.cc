#include "sign/oms/oms_tree.h"

#include <sys/stat.h>

#include <filesystem>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

OmsStatement Listing(std::initializer_list<std::string> paths) {
  OmsStatement statement;
  for (const std::string& path : paths) {
    statement.resources.push_back({path, {}, HashBytes(Algorithm::kSha256, AsBytes(path))});
  }
  return statement;
}

// Holds config.json and sub/w.bin, and a signature beside the model.
class OmsTrees : public testing::Test {
 protected:
  OmsTrees() {
    folder_.Write("model/config.json", "{}");
    folder_.Write("model/sub/w.bin", "w");
    folder_.Write("model.sig", "");
  }
  OmsTree Compare() const {
    const auto tree = CompareOmsTree(statement_, model_, folder_.Path() / "model.sig");
    EXPECT_TRUE(Ok(tree));
    return tree ? *tree : OmsTree{};
  }
  std::vector<std::string> Problems() const {
    std::vector<std::string> problems;
    for (const Finding& problem : Compare().problems) {
      problems.push_back(problem.code + " " + problem.subject);
    }
    return problems;
  }

  TemporaryFolder folder_;
  const fs::path model_ = folder_.Path() / "model";
  OmsStatement statement_ = Listing({"config.json", "sub/w.bin"});
};

TEST_F(OmsTrees, FitWhatIsListed) {
  const OmsTree tree = Compare();
  EXPECT_THAT(tree.missing, IsEmpty());
  EXPECT_THAT(tree.unsigned_files, IsEmpty());
  EXPECT_THAT(tree.ignored, IsEmpty());
  EXPECT_THAT(tree.problems, IsEmpty());
}

TEST_F(OmsTrees, TellMissingAndUnsignedFiles) {
  fs::rename(model_ / "config.json", model_ / "sub/config.json");
  folder_.Write("model/more.txt", "");
  const OmsTree tree = Compare();
  EXPECT_THAT(tree.missing, ElementsAre("config.json"));
  EXPECT_THAT(tree.unsigned_files, ElementsAre("more.txt", "sub/config.json"));
}

// The defaults are of the top alone, and an ignored name is no beginning of another.
TEST_F(OmsTrees, SayWhatIsIgnoredAndHere) {
  statement_.ignored_paths = {"cache", "sub/log", "absent"};
  for (const std::string path : {".git/config", ".github/x", ".gitignore", "cache/a/b", "cache2",
                                 "sub/.git/x", "sub/cache", "sub/log"}) {
    folder_.Write("model/" + path, "x");
  }
  const OmsTree tree = Compare();
  EXPECT_THAT(tree.ignored, ElementsAre(".git", ".github", ".gitignore", "cache", "sub/log"));
  EXPECT_THAT(tree.unsigned_files, ElementsAre("cache2", "sub/.git/x", "sub/cache"));
}

TEST_F(OmsTrees, LeaveOutTheSignatureItself) {
  const fs::path inside = folder_.Write("model/sub/model.sig", "");
  const auto tree = CompareOmsTree(statement_, model_, inside);
  ASSERT_TRUE(Ok(tree));
  EXPECT_THAT(tree->unsigned_files, IsEmpty());
  EXPECT_THAT(tree->ignored, ElementsAre("sub/model.sig"));
}

TEST_F(OmsTrees, TakeLinksOnlyAsSigned) {
  statement_ = Listing({"config.json", "sub/w.bin", "link"});
  fs::create_symlink("sub/w.bin", model_ / "link");
  EXPECT_THAT(Problems(), ElementsAre("link link"));
  statement_.allow_links = true;
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_THAT(Compare().missing, IsEmpty());
}

TEST_F(OmsTrees, RefuseLinksThatLeaveTheModelOrCannotBeFollowed) {
  statement_.allow_links = true;
  folder_.Write("model2/w.bin", "w");
  const auto link = [&](const std::string& target, const std::string& name, std::string problem) {
    fs::create_symlink(target, model_ / name);
    EXPECT_THAT(Problems(), ElementsAre(problem)) << target;
    fs::remove(model_ / name);
  };
  link("../model2/w.bin", "out", "link-outside out");
  link("/dev/null", "device", "link-outside device");
  link("nowhere", "gone", "dangling-link gone");
  link("sub", "folder", "link-to-directory folder");
  link(".", "itself", "link-to-directory itself");
  link("loop", "loop", "dangling-link loop");
}

TEST_F(OmsTrees, RefuseWhatIsNoFile) {
  ASSERT_EQ(mkfifo((model_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(Problems(), ElementsAre("special-file pipe"));
}

// Section 6.3.2: files of zero bytes have no shards.
TEST_F(OmsTrees, KnowThatShardsListNoEmptyFiles) {
  statement_.method = OmsMethod::kShards;
  folder_.Write("model/empty", "");
  EXPECT_THAT(Compare().unsigned_files, IsEmpty());
  folder_.Write("model/empty", "x");
  EXPECT_THAT(Compare().unsigned_files, ElementsAre("empty"));
}

TEST_F(OmsTrees, MayBeOneFile) {
  const fs::path file = model_ / "config.json";
  for (const std::string name : {"", "config.json"}) {
    const auto tree = CompareOmsTree(Listing({name}), file, "");
    ASSERT_TRUE(Ok(tree));
    EXPECT_THAT(tree->missing, IsEmpty()) << name;
    EXPECT_THAT(tree->unsigned_files, IsEmpty()) << name;
  }
  const auto other = CompareOmsTree(Listing({"other.json"}), file, "");
  ASSERT_TRUE(Ok(other));
  EXPECT_THAT(other->missing, ElementsAre("other.json"));
  EXPECT_THAT(other->unsigned_files, ElementsAre("config.json"));
}

TEST_F(OmsTrees, MustBeThere) {
  const auto tree = CompareOmsTree(statement_, folder_.Path() / "none", "");
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace hallmark
