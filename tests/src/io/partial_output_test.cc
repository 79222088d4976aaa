#include "src/io/partial_output.h"

#include <fstream>
#include <iterator>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using Target = PartialOutput::Target;

void Put(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
std::string Get(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(PartialOutput, BecomesAFile) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "model.gguf";
  auto output = PartialOutput::Begin({.target = target, .fingerprint = "a"});
  ASSERT_TRUE(Ok(output));
  EXPECT_FALSE(output->WasInterrupted());
  Put(output->Files() / "any name", "weights");
  EXPECT_FALSE(fs::exists(target));
  ASSERT_TRUE(Ok(output->Commit()));
  EXPECT_EQ(Get(target), "weights");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.Path()), {}), 1);
}

TEST(PartialOutput, BecomesAFolder) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "model/";  // a slash makes no difference
  auto output = PartialOutput::Begin({.target = target, .kind = Target::kFolder});
  ASSERT_TRUE(Ok(output));
  Put(output->Files() / "a", "1");
  fs::create_directory(output->Files() / "sub");
  Put(output->Files() / "sub" / "b", "2");
  ASSERT_TRUE(Ok(output->Commit()));
  EXPECT_EQ(Get(folder.Path() / "model" / "a"), "1");
  EXPECT_EQ(Get(folder.Path() / "model" / "sub" / "b"), "2");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.Path()), {}), 1);
}

TEST(PartialOutput, LeavesNothingUnlessItIsKept) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "x";
  {
    auto output = PartialOutput::Begin({.target = target, .fingerprint = "a"});
    ASSERT_TRUE(Ok(output));
    Put(output->Files() / "x", "half");
  }
  EXPECT_TRUE(fs::is_empty(folder.Path()));
  {
    auto output = PartialOutput::Begin({.target = target, .fingerprint = "a"});
    ASSERT_TRUE(Ok(output));
    Put(output->Files() / "x", "half");
    output->Keep();
  }
  // Other work does not go on with it, and does not remove it.
  const auto other = PartialOutput::Begin({.target = target, .fingerprint = "b"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kUsage);
  EXPECT_NE(other.error().hint.find("--discard"), std::string::npos);
  {
    auto same = PartialOutput::Begin({.target = target, .fingerprint = "a"});
    ASSERT_TRUE(Ok(same));
    EXPECT_TRUE(same->WasInterrupted());
    EXPECT_EQ(Get(same->Files() / "x"), "half");
    same->Keep();
  }
  auto anew = PartialOutput::Begin({.target = target, .discard = true, .fingerprint = "b"});
  ASSERT_TRUE(Ok(anew));
  EXPECT_FALSE(anew->WasInterrupted());
  EXPECT_TRUE(fs::is_empty(anew->Files()));
}

TEST(PartialOutput, IsOneProcessAtATime) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "x";
  const auto first = PartialOutput::Begin({.target = target});
  ASSERT_TRUE(Ok(first));
  const auto second = PartialOutput::Begin({.target = target});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUsage);
  EXPECT_TRUE(fs::exists(first->Files()));
}

TEST(PartialOutput, TakesNothingAwayUnforced) {
  const TemporaryFolder folder;
  const fs::path file = folder.Write("file", "old"), full = folder.Path() / "full";
  folder.Write("full/a", "old");
  folder.Write("full/b", "old");
  EXPECT_FALSE(PartialOutput::Begin({.target = file}));
  EXPECT_FALSE(PartialOutput::Begin({.target = full, .kind = Target::kFolder}));
  EXPECT_FALSE(PartialOutput::Begin({.target = file, .kind = Target::kFolder, .force = true}));
  EXPECT_FALSE(PartialOutput::Begin({.target = full, .force = true}));
  EXPECT_FALSE(PartialOutput::Begin({.target = folder.Path() / "none" / "x"}));

  auto output = PartialOutput::Begin({.target = full, .kind = Target::kFolder, .force = true});
  ASSERT_TRUE(Ok(output));
  Put(output->Files() / "a", "new");
  ASSERT_TRUE(Ok(output->Commit()));
  EXPECT_EQ(Get(full / "a"), "new");
  EXPECT_EQ(Get(full / "b"), "old");
}

TEST(PartialOutput, SeesATargetThatCameMeanwhile) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "x";
  auto output = PartialOutput::Begin({.target = target});
  ASSERT_TRUE(Ok(output));
  Put(output->Files() / "x", "new");
  Put(target, "somebody else's");
  EXPECT_FALSE(output->Commit());
  EXPECT_EQ(Get(target), "somebody else's");
}

TEST(FreeSpace, IsAskedFor) {
  const TemporaryFolder folder;
  EXPECT_TRUE(Ok(CheckFreeSpace(folder.Path() / "x", 1000)));
  const auto too_much = CheckFreeSpace(folder.Path() / "x", std::uint64_t{1} << 62);
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, Errc::kIo);
}

}  // namespace
}  // namespace hallmark
