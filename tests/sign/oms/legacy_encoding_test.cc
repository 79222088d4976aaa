// The expected texts are what Python 3.11 prints.
#include "sign/oms/legacy_encoding.h"

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(LegacyEncoding, WritesBytesAsPythonDoes) {
  EXPECT_EQ(PythonBytesText(""), "b''");
  EXPECT_EQ(PythonBytesText("plain"), "b'plain'");
  EXPECT_EQ(PythonBytesText("it's"), "b\"it's\"");
  EXPECT_EQ(PythonBytesText("say \"it\""), "b'say \"it\"'");
  EXPECT_EQ(PythonBytesText("it's \"it\""), "b'it\\'s \"it\"'");
  EXPECT_EQ(PythonBytesText(std::string_view("a\\b\t\n\r\0\x1f\x7f\x80\xff~ ", 13)),
            "b'a\\\\b\\t\\n\\r\\x00\\x1f\\x7f\\x80\\xff~ '");
}

// SHA-256 of repr(bytes(range(256))).
TEST(LegacyEncoding, WritesEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(HashBytes(Algorithm::kSha256, AsBytes(PythonBytesText(all))).Hex(),
            "896463bd16ea9ebc4e4e16d25aafd2a680d5b19a03a37a2f088161d8b0f1c2e7");
}

TEST(LegacyEncoding, CountsThePayloadAndNotItsText) {
  EXPECT_EQ(LegacyPreAuthEncoding("text/x", "a\nb"), "DSSEV1 6 text/x 3 b'a\\nb'");
}

}  // namespace
}  // namespace hallmark
