#include "sign/detached/public_key_file.h"

#include "sign/keys/ssh_public_key.h"
#include "src/base/text.h"
#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

TEST(ParsePublicKey, ReadsTheKeysOfEveryTool) {
  const struct {
    std::string file, name;
    KeyType type;
    bool has_number;
  } vectors[] = {
      {"minisign.pub", "minisign public key EAB334510BE1EC94", KeyType::kEd25519, true},
      {"signify.pub", "release public key", KeyType::kEd25519, true},
      {"ssh-ed25519.pub", "ed25519@example.org", KeyType::kEd25519, false},
      {"ssh-ecdsa-256.pub", "ecdsa@example.org", KeyType::kP256, false},
      {"ssh-ecdsa-384.pub", "ecdsa@example.org", KeyType::kP384, false},
      {"ssh-ecdsa-521.pub", "ecdsa@example.org", KeyType::kP521, false},
      {"ssh-rsa-3072.pub", "rsa@example.org", KeyType::kRsa, false},
      // openssl pkey -pubin -outform DER | sha256sum
      {"pem-p256.pub", "sha256:2043025996bf02c288b27a898b57abaa40e5020647d18aa6f884f208fd251c6f",
       KeyType::kP256, false},
      {"pem-p521.pub", "sha256:ac54b60cd28f2af820509374154bfc155b43a79243abe36cf78de5d85183942f",
       KeyType::kP521, false},
      {"pem-ed25519.pub", "sha256:405916a2bc30140d1b1b91991cf486e5d9daccd111cdeac27031e7ccf3b93120",
       KeyType::kEd25519, false},
  };
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector.file);
    for (const std::string& text :
         {SignVector(vector.file), std::string(TrimAscii(SignVector(vector.file)))}) {
      const auto key = ParsePublicKey(text, vector.file);
      ASSERT_TRUE(Ok(key));
      EXPECT_EQ(key->name, vector.name);
      EXPECT_EQ(key->key.Type(), vector.type);
      EXPECT_EQ(key->number.size(), vector.has_number ? 8u : 0u);
    }
  }
}

TEST(ParsePublicKey, ReadsMinisignsLineAlone) {
  const std::string text = SignVector("minisign.pub");
  const auto key = ParsePublicKey(text.substr(text.find('\n') + 1), "-P");
  ASSERT_TRUE(Ok(key));
  EXPECT_EQ(key->key, KeyVector("minisign.pub").key);
  EXPECT_EQ(key->number, KeyVector("minisign.pub").number);
  EXPECT_EQ(key->name, "key EAB334510BE1EC94");
}

// The example of C2SP's signed-note.
TEST(ParsePublicKey, ReadsVerifierKeys) {
  const auto key = ParsePublicKey(
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", "vkey");
  ASSERT_TRUE(Ok(key));
  EXPECT_EQ(key->name, "PeterNeumann");
  EXPECT_EQ(key->key.Type(), KeyType::kEd25519);
}

TEST(ParsePublicKey, RefusesWhatIsNone) {
  for (const char* name : {"minisign.key", "signify.sec", "minisign-default.minisig", "list.sha256",
                           "ssh-ed25519.key", "pem-p256.key", "ssh-ed25519-sha512.sshsig"}) {
    EXPECT_FALSE(ParsePublicKey(SignVector(name), name)) << name;
  }
  EXPECT_EQ(ParsePublicKey(SignVector("pem-p256.key"), "").error().message, "it is a private key");
  for (const char* text : {"", "\n", "ssh-ed25519", "ssh-ed25519 AAAA", "untrusted comment: x",
                           "untrusted comment: x\nRWQ\n", "a+b", "hello"}) {
    EXPECT_FALSE(ParsePublicKey(text, "")) << text;
  }
  EXPECT_EQ(ParsePublicKey(std::string(70000, 'x'), "").error().code, Errc::kUnsupported);
}

TEST(ParsePublicKey, RefusesKeysThatWereCutOrHaveMore) {
  for (const char* name : {"minisign.pub", "ssh-ed25519.pub", "ssh-ecdsa-256.pub",
                           "ssh-rsa-3072.pub", "pem-p256.pub"}) {
    SCOPED_TRACE(name);
    const std::string text(TrimAscii(SignVector(name)));
    // A comment at the end may be cut.
    const bool has_comment = text.find("@example.org") != std::string::npos;
    const std::size_t digits = has_comment ? text.rfind(' ') : text.size();
    for (std::size_t size = 0; size < digits; ++size) {
      EXPECT_FALSE(ParsePublicKey(text.substr(0, size), "")) << size;
    }
    EXPECT_FALSE(ParsePublicKey(text + "\n" + text + "\n", ""));
  }
}

TEST(ParsePublicKeys, ReadsOneKeyOrAFileOfSigners) {
  const auto one = ParsePublicKeys(SignVector("minisign.pub"), "", 0);
  ASSERT_TRUE(Ok(one));
  EXPECT_EQ(one->keys.size(), 1u);
  const auto two = ParsePublicKeys(
      "a@x " + SignVector("ssh-ed25519.pub") + "b@x " + SignVector("ssh-ecdsa-256.pub"), "", 0);
  ASSERT_TRUE(Ok(two));
  ASSERT_EQ(two->keys.size(), 2u);
  EXPECT_EQ(two->keys[1].name, "b@x");
}

TEST(SshPublicKey, IsWrittenAsItWasRead) {
  const std::string line = SignVector("ssh-ed25519.pub");
  const auto parsed = ParseSshKeyLine(TrimAscii(line), "");
  ASSERT_TRUE(Ok(parsed));
  EXPECT_EQ(parsed->comment, "ed25519@example.org");
  EXPECT_EQ(SshFingerprint(SshKeyBlob(parsed->key)),
            "SHA256:iwbiqxMziF50vS21Gx5Y7DP+SiExvf+zn4DAgJbZeA8");  // ssh-keygen -l
}

}  // namespace
}  // namespace hallmark
