#include "sign/keys/public_key.h"

#include <array>
#include <string>

#include "src/base/text.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// RFC 8032, 7.1, test 2.
constexpr const char* kKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr const char* kSignature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

TEST(PublicKey, VerifiesTheStandardsEd25519Vector) {
  const auto key = PublicKey::FromEd25519(*FromHex(kKey), "");
  ASSERT_TRUE(Ok(key));
  EXPECT_EQ(ToHex(key->Ed25519()), kKey);
  const auto signature = *FromHex(kSignature);
  EXPECT_TRUE(key->Verify(AsBytes("\x72"), signature));
  EXPECT_FALSE(key->Verify(AsBytes("\x73"), signature));
}

// A key of small order would accept a signature of anything.
TEST(PublicKey, Ed25519KeyOfSmallOrderVerifiesNothing) {
  std::string identity(32, '\0');
  identity[0] = 1;  // the neutral point
  const auto key = PublicKey::FromEd25519(AsBytes(identity), "");
  ASSERT_TRUE(Ok(key));
  const std::string signature = identity + std::string(32, '\0');
  EXPECT_FALSE(key->Verify(AsBytes("anything"), AsBytes(signature)));
}

// RFC 8032, 5.1.7: S is below the order of the group; adding the order is not another signature.
TEST(PublicKey, Ed25519SignatureHasOneForm) {
  const auto order = *FromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  auto signature = *FromHex(kSignature);
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(order[i]);
    signature[32 + i] = static_cast<std::byte>(carry & 0xff);
    carry >>= 8;
  }
  const auto key = PublicKey::FromEd25519(*FromHex(kKey), "");
  ASSERT_TRUE(Ok(key));
  EXPECT_FALSE(key->Verify(AsBytes("\x72"), signature));
}

TEST(PublicKey, HashesAreThoseOfTheCurves) {
  EXPECT_EQ(KeyHash(KeyType::kP256), Algorithm::kSha256);
  EXPECT_EQ(KeyHash(KeyType::kP384), Algorithm::kSha384);
  EXPECT_EQ(KeyHash(KeyType::kP521), Algorithm::kSha512);
  EXPECT_EQ(KeyHash(KeyType::kRsa), Algorithm::kSha256);
}

}  // namespace
}  // namespace hallmark
