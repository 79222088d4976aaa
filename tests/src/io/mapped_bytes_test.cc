#include "src/io/mapped_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "src/hash/hash_files.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : value_(open(path.c_str(), O_RDONLY)) {}
  ~Descriptor() { close(value_); }
  operator int() const { return value_; }

 private:
  int value_;
};

constexpr std::size_t kSize = 300'000;

std::string Sample() {
  std::string text(kSize, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

TEST(MappedBytes, ShowsTheBytesOfAnyRange) {
  const TemporaryFolder folder;
  const std::string text = Sample();
  const Descriptor file(folder.Write("a", text));
  for (const std::size_t offset : {0, 1, 4095, 4096, 100'001}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, kSize - offset}) {
      const auto window = MappedBytes::Map(file, offset, size);
      ASSERT_TRUE(window);  // just written: it is in memory
      EXPECT_EQ(AsText(window->Bytes()), std::string_view(text).substr(offset, size));
      EXPECT_TRUE(window->Intact());
    }
  }
  EXPECT_FALSE(MappedBytes::Map(file, 0, 0));
  EXPECT_FALSE(MappedBytes::Map(-1, 0, 1));
}

TEST(MappedBytes, ZerosTakeThePlaceOfWhatIsCutOff) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.Write("a", Sample());
  const Descriptor file(path);
  const auto window = MappedBytes::Map(file, 0, kSize);
  const auto other = MappedBytes::Map(file, 0, 4096);
  ASSERT_TRUE(window && other);
  std::filesystem::resize_file(path, 8192);
  EXPECT_EQ(AsText(window->Bytes().first(8192)), std::string_view(Sample()).substr(0, 8192));
  EXPECT_TRUE(window->Intact());
  EXPECT_TRUE(std::ranges::all_of(window->Bytes().subspan(8192),
                                  [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_FALSE(window->Intact());
  EXPECT_TRUE(other->Intact());
  EXPECT_FALSE(MappedBytes::Map(file, 0, kSize));  // no longer
}

TEST(MappedBytes, ThereAreOnlySoMany) {
  const TemporaryFolder folder;
  const Descriptor file(folder.Write("a", "x"));
  std::vector<MappedBytes> windows;
  while (auto window = MappedBytes::Map(file, 0, 1)) {
    windows.push_back(*std::move(window));
    ASSERT_LT(windows.size(), 1000u);
  }
  windows.pop_back();
  EXPECT_TRUE(MappedBytes::Map(file, 0, 1));
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
