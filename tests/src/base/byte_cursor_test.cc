#include "src/base/byte_cursor.h"

#include "src/io/file_cursor.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(ByteCursor, ReadsIntegersInOrder) {
  const auto bytes = Join({Le32(7), Le64(9), "abc"});
  ByteCursor cursor(bytes, "x", 100);

  EXPECT_EQ(*cursor.U32(), 7u);
  EXPECT_EQ(*cursor.U64(), 9u);
  EXPECT_EQ(cursor.Offset(), 112u);
  EXPECT_EQ(*cursor.TakeText(3), "abc");
  EXPECT_TRUE(cursor.AtEnd());
}

TEST(ByteCursor, NamesTheOffsetOfWhatIsMissing) {
  const auto bytes = Join({Le32(7), "ab"});
  ByteCursor cursor(bytes, "cut.bin", 100);
  ASSERT_TRUE(Ok(cursor.U32()));

  const auto value = cursor.U32();

  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::kMalformed);
  EXPECT_EQ(value.error().offset, 104u);
  EXPECT_EQ(value.error().message, "4 more bytes are needed here, but 2 are left");
}

TEST(ByteCursor, RefusesCountsThatCannotFit) {
  const auto bytes = Join({"0123456789"});
  ByteCursor cursor(bytes, "x");

  EXPECT_TRUE(cursor.CheckCount(2, 5, "items"));
  EXPECT_FALSE(cursor.CheckCount(3, 5, "items"));
  EXPECT_FALSE(cursor.CheckCount(~std::uint64_t{0}, 8, "items"));
  EXPECT_FALSE(cursor.Skip(~std::uint64_t{0}));
}

TEST(FileCursor, SeesTheSameAsACursorOverMemory) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += Le32(static_cast<std::uint32_t>(i));
  const auto file = TestFile(text);
  FileCursor cursor(*file);

  for (std::uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(*cursor.U32(), i);
  ASSERT_TRUE(Ok(cursor.Skip(4 * 99'999)));
  EXPECT_EQ(*cursor.U32(), 199'999u);
  const auto large = cursor.Take(4 * 100'000);  // larger than the window
  ASSERT_TRUE(Ok(large));
  EXPECT_EQ(LoadLittle<std::uint32_t>(large->data() + 4 * 99'999), 299'999u);
  EXPECT_TRUE(cursor.AtEnd());
  EXPECT_FALSE(cursor.U8());
}

TEST(FileCursor, TakesUpToADelimiter) {
  const auto file = TestFile(std::string(1000, 'a') + "\nrest");
  FileCursor cursor(*file);

  EXPECT_EQ(cursor.TakeUntil('\n', 4096)->size(), 1000u);
  EXPECT_EQ(*cursor.TakeText(4), "rest");
  FileCursor again(*file);
  EXPECT_FALSE(again.TakeUntil('\n', 999));
}

}  // namespace
}  // namespace hallmark
