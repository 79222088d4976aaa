#include "src/io/file.h"

#include <sys/stat.h>

#include <fstream>

#include "src/io/atomic_file.h"
#include "src/io/directory.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(File, ReadsAtAnyOffset) {
  const TemporaryFolder folder;
  const auto file = OpenFile(folder.Write("a.bin", "hello world"));
  ASSERT_TRUE(Ok(file));
  std::string text(5, ' ');

  ASSERT_TRUE(Ok((*file)->Read(6, {reinterpret_cast<std::byte*>(text.data()), text.size()})));

  EXPECT_EQ(text, "world");
  EXPECT_TRUE((*file)->CheckUnchanged());
}

TEST(File, RefusesWhatIsNotARegularFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder.Path() / "pipe").c_str(), 0600), 0);

  EXPECT_EQ(OpenFile(folder.Path()).error().message, "this is a directory, a file is needed");
  EXPECT_EQ(OpenFile(folder.Path() / "pipe").error().message, "this is a pipe, a file is needed");
  EXPECT_EQ(OpenFile(folder.Path() / "none").error().code, Errc::kNotFound);
}

TEST(File, NoticesThatItWasCutShort) {
  const TemporaryFolder folder;
  const auto path = folder.Write("a.bin", "hello world");
  const auto file = OpenFile(path);
  ASSERT_TRUE(Ok(file));

  std::filesystem::resize_file(path, 3);

  std::vector<std::byte> bytes(11);
  const auto read = (*file)->Read(0, bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().offset, 3u);
  EXPECT_FALSE((*file)->CheckUnchanged());
}

TEST(File, NoticesThatItWasReplaced) {
  const TemporaryFolder folder;
  const auto path = folder.Write("a.bin", "hello");
  const auto file = OpenFile(path);
  ASSERT_TRUE(Ok(file));

  std::filesystem::rename(folder.Write("b.bin", "world"), path);

  EXPECT_FALSE((*file)->CheckUnchanged());
}

TEST(AtomicFile, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const auto target = folder.Path() / "out.json";
  {
    auto file = AtomicFile::Create(target, false);
    ASSERT_TRUE(Ok(file));
    ASSERT_TRUE(Ok(file->Write(AsBytes("half"))));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));

  ASSERT_TRUE(Ok(WriteFileAtomically(target, "whole", false)));
  EXPECT_EQ(std::filesystem::file_size(target), 5u);
  EXPECT_EQ(WriteFileAtomically(target, "again", false).error().code, Errc::kUsage);
  EXPECT_TRUE(WriteFileAtomically(target, "forced", true));
  EXPECT_EQ(std::filesystem::file_size(target), 6u);
}

TEST(ListFiles, WalksInNaturalOrderAndFollowsNoDirectoryLinks) {
  const TemporaryFolder folder;
  folder.Write("shard-10", "x");
  folder.Write("shard-2", "xy");
  folder.Write("sub/deep/file", "");
  folder.Write(".git/config", "");
  std::filesystem::create_symlink("shard-2", folder.Path() / "link");
  std::filesystem::create_directory_symlink("sub", folder.Path() / "linked-folder");
  std::filesystem::create_symlink("nowhere", folder.Path() / "dangling");

  const auto listing = ListFiles(folder.Path());

  ASSERT_TRUE(Ok(listing));
  std::vector<std::string> names;
  for (const auto& file : listing->files) names.push_back(file.path);
  EXPECT_EQ(names, (std::vector<std::string>{"link", "shard-2", "shard-10", "sub/deep/file"}));
  EXPECT_TRUE(listing->files[0].is_link);
  EXPECT_EQ(listing->findings.size(), 2u);
}

TEST(CheckRelativePath, KeepsPathsBelowTheirRoot) {
  EXPECT_EQ(*CheckRelativePath("./a/b.bin"), "a/b.bin");
  EXPECT_EQ(*CheckRelativePath("a/./b"), "a/b");
  for (const std::string_view bad : {"", ".", "./", "/etc/passwd", "../x", "a/../../x", "a//b",
                                     "a\\b", "C:x", "https://x/y", "a/"}) {
    EXPECT_FALSE(CheckRelativePath(bad)) << bad;
  }
  EXPECT_FALSE(CheckRelativePath(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace hallmark
