#include "sign/keys/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace hallmark {
namespace {

TEST(Secret, HoldsItsBytesAndIsMoved) {
  Secret secret = Secret::Copy(AsBytes("correct horse"));
  EXPECT_EQ(secret.Text(), "correct horse");
  const Secret moved = std::move(secret);
  EXPECT_EQ(moved.Text(), "correct horse");
  EXPECT_EQ(Secret(3).Text(), std::string(3, '\0'));
  EXPECT_EQ(Secret(0).Size(), 0u);
}

TEST(Secret, RandomOnesDiffer) { EXPECT_NE(Secret::Random(32).Text(), Secret::Random(32).Text()); }

TEST(Secret, JoinsParts) {
  EXPECT_EQ(JoinSecrets({AsBytes("a"), AsBytes(""), AsBytes("bc")}).Text(), "abc");
}

// RFC 4648, section 10.
TEST(Secret, ReadsAndWritesBase64) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, base64] : vectors) {
    EXPECT_EQ(Secret::Copy(AsBytes(plain)).ToBase64().Text(), base64);
    const auto back = Secret::FromBase64(base64);
    ASSERT_TRUE(back) << base64;
    EXPECT_EQ(back->Text(), plain);
  }
}

TEST(Secret, RefusesOtherFormsOfBase64) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zh==", "Zg==\n", "Zg= =", "Zm9v!", "Zm9vY", "=", "Zm-_", "Zg==Zg=="}) {
    EXPECT_FALSE(Secret::FromBase64(text)) << text;
  }
  const auto lines = Secret::FromBase64("Zm9v\r\nYmFy\n", "\r\n");
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->Text(), "foobar");
}

TEST(WipeMemory, LeavesZeros) {
  std::string text = "a password";
  WipeMemory({reinterpret_cast<std::byte*>(text.data()), text.size()});
  EXPECT_EQ(text, std::string(10, '\0'));
}

}  // namespace
}  // namespace hallmark
