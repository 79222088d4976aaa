#include "sign/keys/signing_key.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "sign/detached/public_key_file.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string Vector(const std::string& name) { return ReadFixture("../sign/detached/" + name); }

struct Opening {
  Result<SigningKey> key;
  bool was_asked = false;
};
Opening Open(const std::string& name, std::string_view password) {
  bool asked = false;
  auto key = ParseSigningKey(Secret::Copy(AsBytes(Vector(name))), name,
                             [&](std::string_view) -> Result<Secret> {
                               asked = true;
                               return Secret::Copy(AsBytes(password));
                             });
  return {std::move(key), asked};
}

// Each was written by its own tool, as was its public key.
TEST(SigningKey, OpensTheKeysOfEveryTool) {
  const struct {
    std::string key, public_key;
    bool has_password, has_number;
  } vectors[] = {
      {"minisign.key", "minisign.pub", false, true},
      {"minisign-password.key", "minisign-password.pub", true, true},
      {"signify.sec", "signify.pub", false, true},
      {"ssh-ed25519.key", "ssh-ed25519.pub", false, false},
      {"pem-ed25519.key", "pem-ed25519.pub", false, false},
      {"pem-p256.key", "pem-p256.pub", false, false},
      {"pem-p384.key", "pem-p384.pub", false, false},
      {"pem-p521.key", "pem-p521.pub", false, false},
      {"pem-p256-sec1.key", "pem-p256.pub", false, false},
      {"pem-p256-sec1-password.key", "pem-p256.pub", true, false},
      {"pem-p256-pbkdf2.key", "pem-p256.pub", true, false},
      {"pem-p256-scrypt.key", "pem-p256.pub", true, false},
  };
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector.key);
    const Opening opening = Open(vector.key, "correct horse");
    ASSERT_TRUE(Ok(opening.key));
    EXPECT_EQ(opening.was_asked, vector.has_password);
    const auto expected = ParsePublicKey(Vector(vector.public_key), vector.public_key);
    ASSERT_TRUE(Ok(expected));
    EXPECT_EQ(opening.key->signer->Public(), expected->key);
    EXPECT_EQ(opening.key->number, expected->number);
    EXPECT_EQ(opening.key->number.size(), vector.has_number ? 8u : 0u);
    const auto signature = opening.key->signer->Sign(AsBytes("message"));
    ASSERT_TRUE(Ok(signature));
    EXPECT_TRUE(expected->key.Verify(AsBytes("message"), AsBytes(*signature)));
    if (vector.has_password) {
      const Opening closed = Open(vector.key, "wrong horse");
      ASSERT_FALSE(closed.key);
      EXPECT_EQ(closed.key.error().code, Errc::kUsage);
    }
  }
}

TEST(SigningKey, SaysWhatItCannotOpenWithoutAskingForAPassword) {
  const struct {
    std::string key, message;
    Errc code;
  } vectors[] = {
      {"signify-password.sec", "with a password", Errc::kUnsupported},
      {"ssh-password.key", "with a password", Errc::kUnsupported},
      {"ssh-ecdsa-256.key", "ecdsa-sha2-nistp256", Errc::kUnsupported},
      {"pem-rsa.key", "RSA", Errc::kUnsupported},
      {"pem-secp256k1.key", "secp256k1", Errc::kUnsupported},
      {"pem-p256-pbes1.key", "another form", Errc::kUnsupported},
      {"pem-p256-slow.key", "costs too much", Errc::kUnsupported},  // 2^30 iterations
      {"minisign.pub", "no secret key", Errc::kMalformed},
      {"pem-p256.pub", "no secret key", Errc::kMalformed},
      {"list.sha256", "no secret key", Errc::kMalformed},
  };
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector.key);
    const Opening opening = Open(vector.key, "correct horse");
    ASSERT_FALSE(opening.key);
    EXPECT_FALSE(opening.was_asked);
    EXPECT_EQ(opening.key.error().code, vector.code);
    EXPECT_THAT(opening.key.error().message, testing::HasSubstr(vector.message));
  }
}

// A changed file either is no key, or the same key with another comment; never another key that
// signs for the same number.
TEST(SigningKey, NeverOpensAChangedKeyAsAnother) {
  for (const std::string name : {"minisign.key", "signify.sec", "ssh-ed25519.key"}) {
    SCOPED_TRACE(name);
    const Opening original = Open(name, "");
    ASSERT_TRUE(Ok(original.key));
    const std::string text = Vector(name);
    std::size_t opened = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      const auto key = ParseSigningKey(Secret::Copy(AsBytes(changed)), name, nullptr);
      if (!key) continue;
      ++opened;
      EXPECT_EQ(key->signer->Public(), original.key->signer->Public()) << at;
    }
    EXPECT_LT(opened, text.size() / 2);
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
      EXPECT_FALSE(ParseSigningKey(Secret::Copy(AsBytes(text.substr(0, size))), name, nullptr));
    }
  }
}

TEST(SigningKey, IsReadFromAFileOfItsOwnersOnly) {
  const TemporaryFolder folder;
  const auto path = folder.Write("a.key", Vector("minisign.key"));
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  const auto refused = OpenSigningKey(path, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUntrusted);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(Ok(OpenSigningKey(path, nullptr)));
}

}  // namespace
}  // namespace hallmark
