// Signatures that minisign 0.11, signify 31 and OpenSSH 9.2 made of tests/vectors/sign/detached/
// list.sha256, and every small change of them.
#include <algorithm>
#include <cctype>
#include <ostream>

#include "sign/detached/minisign.h"
#include "sign/detached/signify.h"
#include "sign/detached/sshsig.h"
#include "sign/keys/signing_key.h"
#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

constexpr auto kGood = SignatureCheck::State::kGood;
constexpr auto kUnknownKey = SignatureCheck::State::kUnknownKey;
constexpr auto kBad = SignatureCheck::State::kBad;

struct SignatureVector {
  std::string signature, key;
  std::string scheme;
  std::string comment = {};  // the trusted one
  std::string free = {};     // the untrusted one
};

void PrintTo(const SignatureVector& vector, std::ostream* out) { *out << vector.signature; }

std::vector<SignatureVector> Vectors() {
  return {
      {"minisign-default.minisig", "minisign.pub", "minisign",
       "timestamp:1795412287\tfile:list.sha256\thashed", "signature from minisign secret key"},
      {"minisign-legacy.minisig", "minisign.pub", "minisign",
       "timestamp:1795412287\tfile:list.sha256", "signature from minisign secret key"},
      {"minisign-comments.minisig", "minisign.pub", "minisign", "first release, f\u00fcr alle",
       "who knows"},
      {"signify.sig", "signify.pub", "signify", "", "verify with signify.pub"},
      {"ssh-ed25519-sha512.sshsig", "ssh-ed25519.pub", "ssh"},
      {"ssh-ed25519-sha256.sshsig", "ssh-ed25519.pub", "ssh"},
      {"ssh-ecdsa-256-sha512.sshsig", "ssh-ecdsa-256.pub", "ssh"},
      {"ssh-ecdsa-256-sha256.sshsig", "ssh-ecdsa-256.pub", "ssh"},
      {"ssh-ecdsa-384-sha512.sshsig", "ssh-ecdsa-384.pub", "ssh"},
      {"ssh-ecdsa-384-sha256.sshsig", "ssh-ecdsa-384.pub", "ssh"},
      {"ssh-ecdsa-521-sha512.sshsig", "ssh-ecdsa-521.pub", "ssh"},
      {"ssh-ecdsa-521-sha256.sshsig", "ssh-ecdsa-521.pub", "ssh"},
      {"ssh-rsa-3072-sha512.sshsig", "ssh-rsa-3072.pub", "ssh"},
      {"ssh-rsa-3072-sha256.sshsig", "ssh-rsa-3072.pub", "ssh"},
  };
}

class SignatureOf : public testing::TestWithParam<SignatureVector> {
 protected:
  Result<SignatureCheck> Check(std::string_view text, const SignedFile& file,
                               std::span<const NamedKey> keys) const {
    for (const SignatureScheme& scheme : AllSignatureSchemes()) {
      if (scheme.name == GetParam().scheme) return scheme.check(text, file, keys);
    }
    return Error{Errc::kNotFound, "", "no such scheme"};
  }

  const std::string text_ = SignVector(GetParam().signature);
  const std::string message_ = SignVector("list.sha256");
  const SignedFile file_ = SignedText("list.sha256", message_);
  const std::vector<NamedKey> keys_ = {KeyVector(GetParam().key)};
};

TEST_P(SignatureOf, IsGoodByItsKeyAlone) {
  const SignatureScheme* const scheme = FindSignatureScheme(text_);
  ASSERT_NE(scheme, nullptr);
  EXPECT_EQ(scheme->name, GetParam().scheme);
  const auto check = Check(text_, file_, keys_);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, kGood) << check->reason;
  EXPECT_EQ(check->signer, keys_[0].name);
  EXPECT_EQ(check->comment, GetParam().comment);
  EXPECT_EQ(check->reason, "");
  EXPECT_FALSE(check->key.empty());

  std::vector<NamedKey> others;
  for (const char* name : {"minisign-password.pub", "pem-ed25519.pub", "pem-p256.pub",
                           "pem-p384.pub", "pem-p521.pub"}) {
    others.push_back(KeyVector(name));
  }
  const auto unknown = Check(text_, file_, others);
  ASSERT_TRUE(Ok(unknown));
  EXPECT_EQ(unknown->state, kUnknownKey);
  EXPECT_EQ(unknown->comment, "");
  EXPECT_EQ(Check(text_, file_, {})->state, kUnknownKey);
  others.push_back(keys_[0]);
  EXPECT_EQ(Check(text_, file_, others)->signer, keys_[0].name);
}

TEST_P(SignatureOf, IsBadForAnotherFile) {
  std::string other = message_;
  other.back() ^= 1;
  for (const std::string& wrong : {other, std::string(), message_ + "\n"}) {
    const auto check = Check(text_, SignedText("list.sha256", wrong), keys_);
    ASSERT_TRUE(Ok(check));
    EXPECT_EQ(check->state, kBad);
    EXPECT_EQ(check->comment, "");
    EXPECT_FALSE(check->reason.empty());
  }
}

TEST_P(SignatureOf, IsNotGoodOnceChanged) {
  EXPECT_GT(
      ExpectNoChangeIsGood(text_, GetParam().free,
                           [&](std::string_view changed) { return Check(changed, file_, keys_); }),
      2000u);
}

TEST_P(SignatureOf, IsReadWithLineEndsOfWindows) {
  std::string windows;
  for (const char c : text_) {
    if (c == '\n') windows += '\r';
    windows += c;
  }
  EXPECT_TRUE(IsGood(Check(windows, file_, keys_)));
}

TEST_P(SignatureOf, PassesOnWhyTheFileCannotBeRead) {
  const SignedFile broken = {"list.sha256",
                             [](Algorithm) {
                               return Result<Digest>(Error{Errc::kIo, "list.sha256", "gone"});
                             },
                             [] {
                               return Result<std::string>(Error{Errc::kIo, "list.sha256", "gone"});
                             }};
  const auto check = Check(text_, broken, keys_);
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, Errc::kIo);
  // Nothing is read for a signature that nobody known made.
  EXPECT_TRUE(Ok(Check(text_, broken, {})));
}

INSTANTIATE_TEST_SUITE_P(Tools, SignatureOf, testing::ValuesIn(Vectors()), [](const auto& param) {
  std::string name = param.param.signature;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(SignifyEmbedded, IsASignatureAndWhatIsSigned) {
  const std::string text = SignVector("signify-embedded.sig");
  const std::string message = SignVector("list.sha256");
  ASSERT_TRUE(IsEmbeddedSignify(text));
  EXPECT_EQ(FindSignatureScheme(text), nullptr);
  const auto parsed = ParseEmbeddedSignify(text, "SHA256.sig");
  ASSERT_TRUE(Ok(parsed));
  EXPECT_EQ(parsed->message, message);
  // Ed25519 signs the same twice, so it is the detached one.
  EXPECT_EQ(parsed->signature, SignVector("signify.sig"));
  EXPECT_EQ(WriteEmbeddedSignify(parsed->signature, parsed->message), text);
  const std::vector<NamedKey> keys = {KeyVector("signify.pub")};
  const auto tried = ExpectNoChangeIsGood(
      text, "verify with signify.pub", [&](std::string_view changed) -> Result<SignatureCheck> {
        const EmbeddedSignify embedded = HM_TRY(ParseEmbeddedSignify(changed, ""));
        return CheckSignify(embedded.signature, SignedText("", embedded.message), keys);
      });
  EXPECT_GT(tried, 4000u);
}

TEST(SshSignatureOfTools, OfAnotherNamespaceIsBad) {
  const std::string message = SignVector("list.sha256");
  const std::vector<NamedKey> keys = {KeyVector("ssh-ed25519.pub")};
  const auto check =
      CheckSsh(SignVector("ssh-ed25519-git.sshsig"), SignedText("list.sha256", message), keys);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, kBad);
  EXPECT_THAT(check->reason, testing::HasSubstr("namespace git, not for model-manifest@hallmark"));
}

TEST(SshSignatureOfTools, IsNamedByItsKeysFingerprint) {
  const std::string message = SignVector("list.sha256");
  const auto check =
      CheckSsh(SignVector("ssh-ed25519-sha512.sshsig"), SignedText("list.sha256", message), {});
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->key, "SHA256:iwbiqxMziF50vS21Gx5Y7DP+SiExvf+zn4DAgJbZeA8");  // ssh-keygen -l
}

// Ed25519 is deterministic: what the tools signed with a key is what hallmark signs with it.
TEST(Signing, GivesTheToolsOwnBytes) {
  const std::string message = SignVector("list.sha256");
  const SignedFile file = SignedText("list.sha256", message);
  const auto key = [](const std::string& name) {
    return ParseSigningKey(Secret::Copy(AsBytes(SignVector(name))), name, nullptr).value();
  };
  MinisignOptions options;
  options.untrusted_comment = "signature from minisign secret key";
  options.time = 1795412287;
  EXPECT_EQ(SignMinisign(key("minisign.key"), file, options),
            SignVector("minisign-default.minisig"));
  options.legacy = true;
  EXPECT_EQ(SignMinisign(key("minisign.key"), file, options),
            SignVector("minisign-legacy.minisig"));
  options = {};
  options.untrusted_comment = "who knows";
  options.trusted_comment = "first release, f\u00fcr alle";
  EXPECT_EQ(SignMinisign(key("minisign.key"), file, options),
            SignVector("minisign-comments.minisig"));
  EXPECT_EQ(SignSignify(key("signify.sec"), file, "verify with signify.pub"),
            SignVector("signify.sig"));
  EXPECT_EQ(SignSsh(key("ssh-ed25519.key"), file), SignVector("ssh-ed25519-sha512.sshsig"));
}

}  // namespace
}  // namespace hallmark
