#include "verify/repair/mend.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "src/hash/hasher.h"
#include "src/io/disk.h"
#include "tests/support/test_support.h"
#include "verify/repair/mend_journal.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  const auto file = OpenFile(path);
  return file ? ReadWholeFile(**file, 1 << 20).value() : "(none)";
}

// A repair of two files that was decided, and cut short before anything was done.
class InterruptedMend : public testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("copy/a", "one three");
    folder_.Write("copy/b", "old");
    folder_.Write("copy.hallmark-partial/fingerprint", "repair in place x");
    folder_.Write("copy.hallmark-partial/lock", "");
    folder_.Write("copy.hallmark-partial/files/1", "the new one");
    std::string before;
    {
      // What the file was is told as the mender tells it.
      struct stat info;
      ASSERT_EQ(stat((copy_ / "b").c_str(), &info), 0);
      char text[200];
      std::snprintf(text, sizeof text, "%lu %ld %ld.%09ld %ld.%09ld", info.st_ino, info.st_size,
                    info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                    info.st_ctim.tv_nsec);
      before = text;
    }
    const auto disk = RealDisk();
    const std::shared_ptr<const BlockSource> contents[] = {TestFile("one two!!"), nullptr};
    auto journal =
        MendJournal::Write(*disk, folder_.Path() / "copy.hallmark-partial",
                           {{"a", 9, {{4, 5}}, {}, ""}, {"b", 11, {}, "1", before}}, contents);
    ASSERT_TRUE(Ok(journal));
    EXPECT_EQ(HasInterruptedMend(copy_), false);
    ASSERT_TRUE(Ok(journal->Decide(*disk, {HashBytes(Algorithm::kTree, AsBytes("one two!!")),
                                           HashBytes(Algorithm::kTree, AsBytes("the new one"))})));
    EXPECT_EQ(HasInterruptedMend(copy_), true);
  }

  void ExpectUntouched(std::string_view a, std::string_view b) {
    EXPECT_FALSE(FinishInterruptedMend(copy_, Task{}));
    EXPECT_EQ(Read(copy_ / "a"), a);
    EXPECT_EQ(Read(copy_ / "b"), b);
  }

  TemporaryFolder folder_;
  const fs::path copy_ = folder_.Path() / "copy";
};

TEST_F(InterruptedMend, IsFinished) {
  ASSERT_TRUE(Ok(FinishInterruptedMend(copy_, Task{})));
  EXPECT_EQ(Read(copy_ / "a"), "one two!!");
  EXPECT_EQ(Read(copy_ / "b"), "the new one");
  EXPECT_FALSE(fs::exists(folder_.Path() / "copy.hallmark-partial"));
}

TEST_F(InterruptedMend, IsFinishedFromTheMiddle) {
  folder_.Write("copy/a", "one tw??");
  fs::rename(folder_.Path() / "copy.hallmark-partial/files/1", copy_ / "b");
  ASSERT_TRUE(Ok(FinishInterruptedMend(copy_, Task{})));
  EXPECT_EQ(Read(copy_ / "a"), "one two!!");
}

TEST_F(InterruptedMend, TouchesNothingIfAFileIsAnother) {
  folder_.Write("copy/a", "ONE three");
  ExpectUntouched("ONE three", "old");
}

TEST_F(InterruptedMend, TouchesNothingIfAReplacedFileIsAnother) {
  fs::remove(copy_ / "b");
  folder_.Write("copy/b", "mine");
  ExpectUntouched("one three", "mine");
}

TEST_F(InterruptedMend, TouchesNothingIfTheReplacementIsAnother) {
  folder_.Write("copy.hallmark-partial/files/1", "a newer one");
  ExpectUntouched("one three", "old");
}

TEST_F(InterruptedMend, TouchesNothingThatHasAnotherNameByNow) {
  fs::create_hard_link(copy_ / "a", folder_.Path() / "backup");
  ExpectUntouched("one three", "old");
}

TEST_F(InterruptedMend, TakesNothingFromElsewhere) {
  fs::rename(folder_.Path() / "copy.hallmark-partial/files", folder_.Path() / "elsewhere");
  fs::create_directory_symlink("../elsewhere", folder_.Path() / "copy.hallmark-partial/files");
  ExpectUntouched("one three", "old");
  EXPECT_EQ(Read(folder_.Path() / "elsewhere/1"), "the new one");
}

}  // namespace
}  // namespace hallmark
