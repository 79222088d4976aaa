#include "src/base/base64.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(Base64, ReadsTheVectorsOfTheRfc) {  // RFC 4648, section 10
  EXPECT_EQ(FromBase64(""), "");
  EXPECT_EQ(FromBase64("Zg=="), "f");
  EXPECT_EQ(FromBase64("Zm8="), "fo");
  EXPECT_EQ(FromBase64("Zm9v"), "foo");
  EXPECT_EQ(FromBase64("Zm9vYg=="), "foob");
  EXPECT_EQ(FromBase64("Zm9vYmE="), "fooba");
  EXPECT_EQ(FromBase64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(FromBase64("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, WritesWhatItReads) {
  for (const std::string_view text :
       {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy", "+/+/"}) {
    EXPECT_EQ(ToBase64(*FromBase64(text)), text);
  }
}

TEST(Base64, RefusesEveryOtherSpelling) {
  for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=",
                                      "Zg==Zg==", "Zm9v\n", "Zm 9", "-_-_", "Zm9vYg==\n"}) {
    EXPECT_EQ(FromBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hallmark
