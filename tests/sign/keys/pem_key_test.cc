#include "sign/keys/pem_key.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

PasswordSource Say(std::string password) {
  return [password](std::string_view) -> Result<Secret> { return Secret::Copy(AsBytes(password)); };
}

TEST(PemKey, IsMadeAndOpenedOnEachCurve) {
  const Secret password = Secret::Copy(AsBytes("correct horse"));
  for (const KeyType type : {KeyType::kP256, KeyType::kP384, KeyType::kP521}) {
    for (const Secret* given : {static_cast<const Secret*>(nullptr), &password}) {
      const auto text = GenerateEcKeyPem(type, given);
      ASSERT_TRUE(Ok(text));
      EXPECT_TRUE(text->Text().starts_with(given != nullptr
                                               ? "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                               : "-----BEGIN PRIVATE KEY-----\n"));
      const auto key = ParsePemPrivateKey(text->Text(), "a.key", Say("correct horse"));
      ASSERT_TRUE(Ok(key));
      EXPECT_EQ(key->signer->Public().Type(), type);
      EXPECT_EQ(key->number, "");
      const auto signature = key->signer->Sign(AsBytes("message"));
      ASSERT_TRUE(Ok(signature));
      EXPECT_TRUE(key->signer->Public().Verify(AsBytes("message"), AsBytes(*signature)));
      EXPECT_FALSE(key->signer->Public().Verify(AsBytes("massage"), AsBytes(*signature)));
      const auto closed = ParsePemPrivateKey(text->Text(), "a.key", Say("wrong"));
      EXPECT_EQ(closed.has_value(), given == nullptr);
      if (!closed) {
        EXPECT_EQ(closed.error().code, Errc::kUsage);
      }
    }
  }
}

TEST(PemKey, IsMadeOfEcdsaOnly) {
  for (const KeyType type : {KeyType::kEd25519, KeyType::kRsa}) {
    const auto text = GenerateEcKeyPem(type, nullptr);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::kUsage);
  }
}

TEST(PemKey, PassesOnWhyNobodyGaveAPassword) {
  const Secret password = Secret::Copy(AsBytes("x"));
  const auto text = GenerateEcKeyPem(KeyType::kP256, &password);
  ASSERT_TRUE(Ok(text));
  const auto key = ParsePemPrivateKey(text->Text(), "a.key", [](std::string_view what) {
    return Result<Secret>(Error{Errc::kUsage, std::string(what), "nobody is there"});
  });
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().subject, "the password of a.key");
}

}  // namespace
}  // namespace hallmark
