#include "tests/support/test_support.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace hallmark {
namespace {

template <typename T>
std::string LittleEndian(T value) {
  std::string text(sizeof value, '\0');
  StoreLittle(reinterpret_cast<std::byte*>(text.data()), value);
  return text;
}

}  // namespace

std::vector<std::byte> Join(std::initializer_list<std::string_view> parts) {
  std::vector<std::byte> bytes;
  for (const std::string_view part : parts) {
    const ByteSpan span = AsBytes(part);
    bytes.insert(bytes.end(), span.begin(), span.end());
  }
  return bytes;
}

std::string Le16(std::uint16_t value) { return LittleEndian(value); }
std::string Le32(std::uint32_t value) { return LittleEndian(value); }
std::string Le64(std::uint64_t value) { return LittleEndian(value); }

std::vector<std::byte> BytesOf(std::string_view text) { return Join({text}); }

std::unique_ptr<File> TestFile(std::string_view text, std::string name) {
  return MakeMemoryFile(BytesOf(text), std::move(name));
}

std::filesystem::path FixturePath(std::string_view name) {
  return std::filesystem::path(HALLMARK_FIXTURES) / name;
}

std::string ReadFixture(std::string_view name) {
  std::ifstream in(FixturePath(name), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hallmark-test-XXXXXX").string();
  HM_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::Write(std::string_view name, std::string_view text) const {
  const std::filesystem::path path = path_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace hallmark
