#include "verify/repair/mend_journal.h"

#include "tests/support/test_support.h"
#include "tests/verify/repair/crashing_disk.h"

namespace hallmark {
namespace {

std::string Letters(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, 0);
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

Digest Tree(std::string_view text) { return HashBytes(Algorithm::kTree, AsBytes(text)); }

// Three files of a copy: one with two wrong places, one that is too long and wrong at its end, one
// that is not there.
class Scene {
 public:
  Scene() {
    disk.Put("copy/a", damaged_a_);
    disk.Put("copy/b", damaged_b_);
    disk.Put("work/files/.keep", "");
  }

  Result<void> Mend() {
    const auto file = HM_TRY(disk.Create("work/files/0"));
    HM_TRY(file->Write(0, AsBytes(c)));
    HM_TRY(file->Flush());
    std::vector<FileChange> changes = {{"a", a.size(), {{4096, 4096}, {12288, 808}}, {}},
                                       {"b", b.size(), {{4096, 904}}, {}},
                                       {"new/folder/c", c.size(), {}, "0"}};
    const std::shared_ptr<const BlockSource> contents[] = {TestFile(a), TestFile(b), nullptr};
    MendJournal journal = HM_TRY(MendJournal::Write(disk, "work", std::move(changes), contents));
    HM_TRY(journal.Decide(disk, {Tree(a), Tree(b), Tree(c)}));
    HM_TRY(journal.Apply(disk, "copy"));
    return journal.Forget(disk);
  }
  // What the next process does: goes on with what was decided, or begins anew.
  Result<void> GoOn(bool* went_on) {
    const auto journal = HM_TRY(MendJournal::Find(disk, "work"));
    *went_on = journal.has_value();
    if (!journal) return Mend();
    HM_TRY(journal->Apply(disk, "copy"));
    return journal->Forget(disk);
  }

  bool IsAsBefore() const {
    return disk.Get("copy/a") == damaged_a_ && disk.Get("copy/b") == damaged_b_ &&
           disk.Get("copy/new/folder/c") == "(none)";
  }
  bool IsWhole() const {
    return disk.Get("copy/a") == a && disk.Get("copy/b") == b && disk.Get("copy/new/folder/c") == c;
  }

  CrashingDisk disk;
  const std::string a = Letters(13096, 1), b = Letters(5000, 2), c = Letters(7000, 3);

 private:
  const std::string damaged_a_ =
      a.substr(0, 5000) + "XXXX" + a.substr(5004, 7996) + "YY" + a.substr(13002);
  const std::string damaged_b_ = b.substr(0, 4500) + "ZZZ" + b.substr(4503) + "and more";
};

TEST(MendJournal, MakesTheChangesAndLeavesNothing) {
  Scene scene;
  ASSERT_TRUE(scene.IsAsBefore());
  ASSERT_TRUE(Ok(scene.Mend()));
  EXPECT_TRUE(scene.IsWhole());
  const auto found = MendJournal::Find(scene.disk, "work");
  ASSERT_TRUE(Ok(found));
  EXPECT_FALSE(found->has_value());
}

// The power goes after each change, and whatever was not flushed is there in part and in any order:
// the files are as before, or the next process makes them whole without looking anywhere else; also
// if the power goes again while it does.
TEST(MendJournal, SurvivesAPowerCutAtEveryStep) {
  std::size_t changes = 0;
  {
    Scene whole;
    ASSERT_TRUE(Ok(whole.Mend()));
    changes = whole.disk.Changes();
  }
  ASSERT_GT(changes, 15u);
  std::size_t gone_on = 0, begun_anew = 0;
  for (std::size_t cut = 0; cut < changes; ++cut) {
    for (unsigned seed = 0; seed < 60; ++seed) {
      std::mt19937 random(seed * 1000 + static_cast<unsigned>(cut));
      Scene scene;
      scene.disk.CutPowerAfter(cut);
      ASSERT_FALSE(scene.Mend());
      scene.disk.Restart(random);
      const auto decided = MendJournal::Find(scene.disk, "work");
      ASSERT_TRUE(Ok(decided));
      if (!*decided) {
        ASSERT_TRUE(scene.IsAsBefore() || scene.IsWhole()) << cut << " " << seed;
      }
      if (seed % 2 == 1) {
        bool ignored = false;
        scene.disk.CutPowerAfter(random() % 12);
        (void)scene.GoOn(&ignored);
        scene.disk.Restart(random);
      }
      bool went_on = false;
      ASSERT_TRUE(Ok(scene.GoOn(&went_on))) << cut << " " << seed;
      ASSERT_TRUE(scene.IsWhole()) << cut << " " << seed;
      ++(went_on ? gone_on : begun_anew);
    }
  }
  // Both happened, else the cuts were not where they should be.
  EXPECT_GT(gone_on, 100u);
  EXPECT_GT(begun_anew, 100u);
}

TEST(MendJournal, ReadsBackWhatItWrote) {
  CrashingDisk disk;
  disk.Put("work/files/.keep", "");
  std::vector<FileChange> changes = {{"x/y", 10, {{2, 3}, {8, 2}}, {}}, {"z", 4, {}, "1"}};
  const std::shared_ptr<const BlockSource> contents[] = {TestFile("0123456789"), nullptr};
  auto written = MendJournal::Write(disk, "work", changes, contents);
  ASSERT_TRUE(Ok(written));
  const auto undecided = MendJournal::Find(disk, "work");
  ASSERT_TRUE(Ok(undecided));
  EXPECT_FALSE(undecided->has_value());
  ASSERT_TRUE(Ok(written->Decide(disk, {Tree("y"), Tree("z")})));
  const auto found = MendJournal::Find(disk, "work");
  ASSERT_TRUE(Ok(found));
  ASSERT_TRUE(found->has_value());
  ASSERT_EQ((*found)->Changes().size(), 2u);
  EXPECT_EQ((*found)->Changes()[0].path, "x/y");
  EXPECT_EQ((*found)->Changes()[0].blocks, (std::vector<ByteRange>{{2, 3}, {8, 2}}));
  EXPECT_EQ((*found)->Changes()[1].replacement, "1");
  EXPECT_EQ((*found)->Trees(), (std::vector<Digest>{Tree("y"), Tree("z")}));
  std::vector<std::byte> bytes(5);
  ASSERT_TRUE(Ok((*found)->BytesOf(0)->Read(0, bytes)));
  EXPECT_EQ(AsText(bytes), "23489");
}

// Any changed byte makes it one that was not written to its end.
TEST(MendJournal, IsNotFoundWhereAByteDiffers) {
  CrashingDisk disk;
  disk.Put("work/files/.keep", "");
  const std::shared_ptr<const BlockSource> contents[] = {TestFile("0123456789")};
  auto written = MendJournal::Write(disk, "work", {{"x", 10, {{2, 3}}, {}}}, contents);
  ASSERT_TRUE(Ok(written));
  ASSERT_TRUE(Ok(written->Decide(disk, {Tree("x")})));
  const std::string whole = disk.Get("work/changes");
  for (std::size_t at = 0; at <= whole.size(); ++at) {
    std::string other = whole;
    if (at < whole.size()) {
      other[at] = static_cast<char>(other[at] ^ 0x20);
    } else {
      other.pop_back();
    }
    disk.Put("work/changes", other);
    const auto found = MendJournal::Find(disk, "work");
    ASSERT_TRUE(Ok(found));
    EXPECT_FALSE(found->has_value()) << at;
  }
}

}  // namespace
}  // namespace hallmark
