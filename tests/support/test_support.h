// What tests share: bytes by hand, fixtures, temporary folders.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/io/file.h"

namespace hallmark {

// Bytes in the making.
std::vector<std::byte> Join(std::initializer_list<std::string_view> parts);
std::string Le16(std::uint16_t value);
std::string Le32(std::uint32_t value);
std::string Le64(std::uint64_t value);
std::vector<std::byte> BytesOf(std::string_view text);

// A file in memory holding `text`.
std::unique_ptr<File> TestFile(std::string_view text, std::string name = "test.bin");

// tests/vectors/fixtures/NAME.
std::filesystem::path FixturePath(std::string_view name);
std::string ReadFixture(std::string_view name);

// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& Path() const { return path_; }
  // Writes a file below it, folders made as needed; returns its path.
  std::filesystem::path Write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

// For ASSERT_TRUE(Ok(result)): prints the error on failure.
template <typename T>
testing::AssertionResult Ok(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  const Error& e = result.error();
  return testing::AssertionFailure()
         << e.subject << ": " << e.message << (e.offset ? " at " + std::to_string(*e.offset) : "");
}

}  // namespace hallmark
