#include "sign/sigstore/unix_time.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// By date -u -d TEXT +%s.
TEST(UnixTime, ReadsUtc) {
  EXPECT_EQ(ParseUtcTime("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ParseUtcTime("2025-06-12T12:02:20Z"), 1749729740);
  EXPECT_EQ(ParseUtcTime("2022-12-31T23:59:59.999Z"), 1672531199);
  EXPECT_EQ(ParseUtcTime("2024-02-29T00:00:00.123456789Z"), 1709164800);
  EXPECT_EQ(ParseUtcTime("9999-12-31T23:59:59Z"), 253402300799);
}

TEST(UnixTime, RefusesOtherForms) {
  for (const char* text :
       {"", "Z", "2025-06-12T12:02:20", "2025-06-12 12:02:20Z", "2025-06-12T12:02:20+00:00",
        "2025-06-12T12:02:20.Z", "2025-06-12T12:02:20.1234567890Z", "2025-06-12T12:02:20,5Z",
        "2025-06-12T24:00:00Z", "2025-06-12T12:60:00Z", "2025-06-12T12:00:60Z",
        "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "1969-12-31T23:59:59Z",
        "2025-06-12T12:02:20Zx"}) {
    EXPECT_FALSE(ParseUtcTime(text).has_value()) << text;
  }
}

TEST(UnixTime, IsWrittenInTheSameForm) {
  EXPECT_EQ(UnixTimeText(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UnixTimeText(1749729740), "2025-06-12T12:02:20Z");
  EXPECT_EQ(UnixTimeText(253402300799), "9999-12-31T23:59:59Z");
  EXPECT_EQ(UnixTimeText(253402300800), "253402300800");
  EXPECT_EQ(UnixTimeText(INT64_MIN), "-9223372036854775808");
}

}  // namespace
}  // namespace hallmark
