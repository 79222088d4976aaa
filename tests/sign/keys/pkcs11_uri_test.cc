#include "sign/keys/pkcs11_uri.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(Pkcs11Uri, NamesATokenAndAKey) {
  // RFC 7512, section 3, without its query.
  const auto uri = ParsePkcs11Uri(
      "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.;object=my-"
      "certificate;id=%69%95%3E%5C%F4%BD%EC%91;type=private");
  ASSERT_TRUE(Ok(uri));
  EXPECT_EQ(uri->token, "Software PKCS#11 softtoken");
  EXPECT_EQ(uri->manufacturer, "Snake Oil, Inc.");
  EXPECT_EQ(uri->object, "my-certificate");
  EXPECT_EQ(uri->id, "\x69\x95\x3E\x5C\xF4\xBD\xEC\x91");
  EXPECT_FALSE(uri->serial);
  EXPECT_TRUE(Ok(ParsePkcs11Uri("pkcs11:")));
}

TEST(Pkcs11Uri, KeepsPinsAndModulesOut) {
  for (const char* text :
       {"pkcs11:token=a?pin-value=1234", "pkcs11:token=a?pin-source=file:%2Fetc%2Fpin",
        "pkcs11:token=a;pin-value=1234", "pkcs11:token=a?module-path=%2Ftmp%2Fevil.so"}) {
    const auto uri = ParsePkcs11Uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code, Errc::kUsage);
    EXPECT_FALSE(uri.error().hint.empty());
    EXPECT_THAT(uri.error().message, testing::Not(testing::HasSubstr("1234")));
  }
}

TEST(Pkcs11Uri, RefusesWhatItDoesNotLookAt) {
  for (const char* text : {"pkcs11:slot-id=3", "pkcs11:type=cert", "pkcs11:token=a?x=y"}) {
    const auto uri = ParsePkcs11Uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code, Errc::kUnsupported);
  }
  for (const char* text : {"", "token=a", "pkcs12:token=a", "pkcs11:token=%4", "pkcs11:token=%zz",
                           "pkcs11:id=%", "pkcs11:token=a;token=b"}) {
    const auto uri = ParsePkcs11Uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code, Errc::kMalformed);
  }
}

}  // namespace
}  // namespace hallmark
