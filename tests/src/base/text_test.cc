#include "src/base/text.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(Text, ChecksUtf8AsRfc3629) {
  EXPECT_TRUE(IsValidUtf8("é中🦙"));
  EXPECT_FALSE(IsValidUtf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(IsValidUtf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(IsValidUtf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(IsValidUtf8("\xE4\xB8"));          // cut
}

TEST(Text, EscapesWhatCouldFoolATerminal) {
  EXPECT_EQ(EscapeForPeople("plain é"), "plain é");
  EXPECT_EQ(EscapeForPeople("a\x1b[31m\n"), "a\\x1b[31m\\n");
  EXPECT_EQ(EscapeForPeople("x\u202Egpj"), "x\\u{202e}gpj");
  EXPECT_EQ(EscapeForPeople("\xff"), "\\xff");
  EXPECT_EQ(EscapeForPeople("back\\slash"), "back\\\\slash");
  EXPECT_EQ(EscapeForPeople(""), "\"\"");
}

TEST(Text, OrdersNumbersNaturally) {
  EXPECT_TRUE(NaturalLess("model-2", "model-10"));
  EXPECT_FALSE(NaturalLess("model-10", "model-2"));
  EXPECT_TRUE(NaturalLess("a", "b"));
  EXPECT_TRUE(NaturalLess("a", "a1"));
  EXPECT_FALSE(NaturalLess("a", "a"));
  EXPECT_NE(NaturalLess("a01", "a1"), NaturalLess("a1", "a01"));  // a strict order
}

TEST(Text, ReadsHexOfEitherCaseAndNothingElse) {
  EXPECT_EQ(ToHex(*FromHex("00fFA5")), "00ffa5");
  EXPECT_FALSE(FromHex("0"));
  EXPECT_FALSE(FromHex("0g"));
}

TEST(Text, StatesSizesInDecimalUnits) {
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(13476939516), "13.5 GB");
  EXPECT_EQ(HumanBytes(999999), "1.0 MB");
}

TEST(FindRepeated, FindsWhatStandsTwice) {
  const std::string_view none[] = {"a", "b", "", "ab"};
  EXPECT_FALSE(FindRepeated(none));
  EXPECT_FALSE(FindRepeated({}));
  const std::string_view twice[] = {"model.0", "model.1", "", "model.0"};
  EXPECT_EQ(FindRepeated(twice), "model.0");
  const std::string_view empty[] = {"", "a", ""};
  EXPECT_EQ(FindRepeated(empty), "");
}

// A swap of neighbours is one edit, as in Damerau's "optimal string alignment".
TEST(EditDistance, CountsInsertedDeletedReplacedAndSwapped) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("verify", "verify"), 0u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("veirfy", "verify"), 1u);
}

TEST(LastComponent, IsWhatStandsBehindTheLastSlash) {
  EXPECT_EQ(LastComponent("a/b/c.pth"), "c.pth");
  EXPECT_EQ(LastComponent("c.pth"), "c.pth");
  EXPECT_EQ(LastComponent("a/"), "");
}

// Times as `date -u` gives them.
TEST(UtcText, IsIso8601InWholeSeconds) {
  const auto at = [](std::int64_t ms) {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
  };
  EXPECT_EQ(UtcText(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UtcText(at(1'738'324'799'999)), "2025-01-31T11:59:59Z");
  EXPECT_TRUE(IsUtcText("2025-01-31T11:59:59Z"));
  for (const std::string_view bad :
       {"", "2025-01-31", "2025-01-31T11:59:59", "2025-01-31 11:59:59Z", "2025-01-31T11:59:59Z ",
        "2o25-01-31T11:59:59Z"}) {
    EXPECT_FALSE(IsUtcText(bad)) << bad;
  }
}

// As GNU date has it: date -u -d TEXT +%s.
TEST(ParseUtc, TakesDaysTimesAndSeconds) {
  EXPECT_EQ(ParseUtc("1970-01-01"), 0u);
  EXPECT_EQ(ParseUtc("2026-12-31"), 1'798'675'200u);
  EXPECT_EQ(ParseUtc("2024-02-29T23:59:59Z"), 1'709'251'199u);
  EXPECT_EQ(ParseUtc("1798675200"), 1'798'675'200u);
  EXPECT_EQ(ParseUtc("9999-12-31T23:59:59Z"), 253'402'300'799u);
  for (const std::string_view bad :
       {"", "2026-13-01", "2025-02-29", "2026-1-1", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
        "1969-12-31", "253402300800", "tomorrow", "2026-01-01 "}) {
    EXPECT_FALSE(ParseUtc(bad)) << bad;
  }
}

TEST(ParseDecimal, TakesDigitsOnly) {
  EXPECT_EQ(ParseDecimal("0"), 0u);
  EXPECT_EQ(ParseDecimal("18446744073709551615"), UINT64_MAX);
  for (const std::string_view bad : {"", "-1", "+1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseDecimal(bad)) << bad;
  }
}

}  // namespace
}  // namespace hallmark
