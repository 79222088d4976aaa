#include "src/hash/hash_files.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(HashFiles, MoreFilesThanMayBeOpenAtOnce) {
  const TemporaryFolder folder;
  std::vector<FileToHash> files;
  for (int i = 0; i < 600; ++i) {
    const std::string name = std::to_string(i);
    files.push_back({folder.Write(name, name), {Algorithm::kSha256}});
  }
  files[7].path = folder.Path() / "absent";
  std::map<std::size_t, Result<HashedFile>> hashed;
  ASSERT_TRUE(Ok(HashFiles(files, Task{2}, [&](std::size_t i, Result<HashedFile> file) {
    EXPECT_TRUE(hashed.emplace(i, std::move(file)).second) << i;
    return Result<void>();
  })));
  ASSERT_EQ(hashed.size(), files.size());
  for (auto& [i, file] : hashed) {
    if (i == 7) {
      ASSERT_FALSE(file);
      EXPECT_EQ(file.error().code, Errc::kNotFound);
      continue;
    }
    ASSERT_TRUE(Ok(file));
    const std::string text = std::to_string(i);
    EXPECT_EQ(file->stamp.size, text.size());
    EXPECT_EQ(file->outcome.digests[0], HashBytes(Algorithm::kSha256, AsBytes(text)));
  }
}

TEST(HashFiles, AFileThatChangesMeanwhileIsNotHashed) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.Write("a", std::string(3 << 20, 'x'));
  class Changer final : public ProgressSink {
   public:
    explicit Changer(std::filesystem::path path) : path_(std::move(path)) {}
    void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
    void Advance(std::uint64_t) override {
      std::filesystem::last_write_time(
          path_, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24));
    }
    void FileDone(std::string_view) override {}

   private:
    std::filesystem::path path_;
  } changer(path);
  const FileToHash file{path, {Algorithm::kMd5}};
  int calls = 0;
  ASSERT_TRUE(Ok(HashFiles({&file, 1}, Task{1, &changer}, [&](std::size_t, auto hashed) {
    ++calls;
    EXPECT_FALSE(hashed);
    if (hashed) return Result<void>();
    EXPECT_EQ(hashed.error().code, Errc::kIo);
    return Result<void>();
  })));
  EXPECT_EQ(calls, 1);
}

// Somebody cuts the file short between its being opened and the last of its bytes being hashed.
TEST(HashFiles, AFileCutShortMeanwhileIsAnError) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.Write("a", std::string(8 << 20, 'x'));
  class Cutter final : public ProgressSink {
   public:
    explicit Cutter(std::filesystem::path path) : path_(std::move(path)) {}
    void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
    void Advance(std::uint64_t) override { std::filesystem::resize_file(path_, 4096); }
    void FileDone(std::string_view) override {}

   private:
    std::filesystem::path path_;
  } cutter(path);
  const FileToHash file{path, {Algorithm::kMd5, Algorithm::kTree}};
  int calls = 0;
  ASSERT_TRUE(Ok(HashFiles({&file, 1}, Task{1, &cutter}, [&](std::size_t, auto hashed) {
    ++calls;
    EXPECT_FALSE(hashed);
    if (hashed) return Result<void>();
    EXPECT_EQ(hashed.error().code, Errc::kIo);
    EXPECT_EQ(hashed.error().subject, path.string());
    return Result<void>();
  })));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace hallmark
