#include "sign/keys/secret_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

mode_t ModeOf(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

TEST(SecretFile, IsForItsOwnerAlone) {
  const TemporaryFolder folder;
  const fs::path path = folder.Path() / "a.key";
  const mode_t before = umask(0);
  const auto written = WriteSecretFile(path, Secret::Copy(AsBytes("secret\n")));
  umask(before);
  ASSERT_TRUE(Ok(written));
  EXPECT_EQ(ModeOf(path), 0600u);
  const auto back = ReadSecretFile(path);
  ASSERT_TRUE(Ok(back));
  EXPECT_EQ(back->Text(), "secret\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.Path()), {}), 1);
}

TEST(SecretFile, IsNeverReplaced) {
  const TemporaryFolder folder;
  const fs::path path = folder.Write("a.key", "old");
  fs::create_symlink("nowhere", folder.Path() / "link");
  for (const fs::path& target : {path, folder.Path() / "link"}) {
    const auto written = WriteSecretFile(target, Secret::Copy(AsBytes("new")));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::kUsage);
  }
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.Path()), {}), 2);
}

TEST(SecretFile, IsRefusedWhereOthersCanUseIt) {
  const TemporaryFolder folder;
  const fs::path path = folder.Write("a.key", "secret");
  for (const mode_t mode : {0640u, 0604u, 0620u, 0644u, 0601u, 0666u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    const auto read = ReadSecretFile(path);
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().code, Errc::kUntrusted);
    EXPECT_EQ(read.error().hint, "chmod 600 " + path.string());
  }
  for (const mode_t mode : {0600u, 0400u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(Ok(ReadSecretFile(path)));
  }
}

TEST(SecretFile, RefusesWhatIsNoSmallRegularFile) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.Path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto code_of = [](const fs::path& path) {
    const auto read = ReadSecretFile(path);
    return read ? std::optional<Errc>() : read.error().code;
  };
  EXPECT_EQ(code_of(pipe), Errc::kIo);
  EXPECT_EQ(code_of(folder.Path()), Errc::kIo);
  EXPECT_EQ(code_of(folder.Path() / "none"), Errc::kNotFound);
  const fs::path large = folder.Write("large", std::string(kMaxSecretFileBytes, 'x'));
  ASSERT_EQ(chmod(large.c_str(), 0600), 0);
  EXPECT_EQ(code_of(large), std::nullopt);
  std::ofstream(large, std::ios::app) << 'x';
  EXPECT_EQ(code_of(large), Errc::kUnsupported);
}

}  // namespace
}  // namespace hallmark
