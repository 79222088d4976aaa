#include "src/io/folder.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(FolderOnDisk, OpensFilesByRelativePath) {
  const TemporaryFolder temporary;
  temporary.Write("a/b.txt", "text");
  const auto folder = FolderOnDisk(temporary.Path());
  EXPECT_TRUE(folder->Has("a/b.txt"));
  EXPECT_FALSE(folder->Has("b.txt"));
  const auto file = folder->Open("a/b.txt");
  ASSERT_TRUE(Ok(file));
  EXPECT_EQ((*file)->Name(), folder->NameOf("a/b.txt"));
  EXPECT_EQ(folder->Open("b.txt").error().code, Errc::kNotFound);
  EXPECT_EQ(folder->NameOf(""), temporary.Path().string());
  EXPECT_EQ(folder->Locate("a/b.txt", {3, 1}).path, "a/b.txt");
  const auto listing = folder->List();
  ASSERT_TRUE(Ok(listing));
  ASSERT_EQ(listing->files.size(), 1u);
  EXPECT_EQ(listing->files[0].path, "a/b.txt");
}

TEST(FolderOnDisk, NamesFilesOfTheWorkingDirectoryWithoutADot) {
  EXPECT_EQ(FolderOnDisk(".")->NameOf("a.bin"), "a.bin");
}

TEST(File, OpensWhatLiesBesideIt) {
  const TemporaryFolder temporary;
  temporary.Write("data/x.bin", "123");
  const auto file = OpenFile(temporary.Write("model.bin", ""));
  ASSERT_TRUE(Ok(file));
  const auto beside = (*file)->OpenBeside("./data/x.bin");
  ASSERT_TRUE(Ok(beside));
  EXPECT_EQ(*ReadWholeFile(**beside, 10), "123");
  EXPECT_EQ((*file)->OpenBeside("data/y.bin").error().code, Errc::kNotFound);
  EXPECT_EQ((*file)->OpenBeside("../model.bin").error().code, Errc::kMalformed);
  EXPECT_EQ((*file)->OpenBeside("/etc/hostname").error().code, Errc::kMalformed);
  EXPECT_EQ(TestFile("")->OpenBeside("x").error().code, Errc::kNotFound);
}

TEST(FileWindow, IsAFileOfItsOwn) {
  const FileWindow window(TestFile("0123456789"), {2, 5}, "part");
  EXPECT_EQ(window.Size(), 5u);
  EXPECT_EQ(window.Name(), "part");
  EXPECT_EQ(*ReadWholeFile(window, 10), "23456");
  std::byte beyond[3];
  EXPECT_EQ(window.Read(3, beyond).error().code, Errc::kIo);
  EXPECT_EQ(window.Read(~std::uint64_t{0}, beyond).error().code, Errc::kIo);
  EXPECT_TRUE(Ok(window.CheckUnchanged()));
}

}  // namespace
}  // namespace hallmark
