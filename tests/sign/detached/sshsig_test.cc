#include "sign/detached/sshsig.h"

#include "sign/keys/pem_key.h"
#include "sign/keys/ssh_public_key.h"
#include "sign/keys/ssh_wire.h"
#include "src/base/base64.h"
#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

// A signature's text, part by part (PROTOCOL.sshsig).
struct Parts {
  std::string magic = "SSHSIG", version = std::string("\0\0\0\1", 4), key, name_space, reserved,
              hash = "sha512", signature, more;
  std::string Text() const {
    std::string blob = magic + version;
    for (const std::string& part : {key, name_space, reserved, hash, signature}) {
      AppendSshString(blob, part);
    }
    return "-----BEGIN SSH SIGNATURE-----\n" + ToBase64(blob + more) +
           "\n-----END SSH SIGNATURE-----\n";
  }
};
std::string Strings(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) AppendSshString(out, part);
  return out;
}

class SshSignature : public testing::Test {
 protected:
  Result<SignatureCheck> Check(const Parts& parts) const {
    return CheckSsh(parts.Text(), file_, keys_);
  }
  // A good signature, to break.
  Parts Good() const {
    std::string message = "SSHSIG" + Strings({kSshNamespace, "", "sha512"});
    const Digest digest = file_.digest(Algorithm::kSha512).value();
    AppendSshString(message, AsText(digest.Bytes()));
    const std::string raw = key_.signer->Sign(AsBytes(message)).value();
    Parts parts;
    parts.key = SshKeyBlob(key_.signer->Public());
    parts.name_space = kSshNamespace;
    parts.signature = Strings({"ssh-ed25519", raw});
    return parts;
  }

  const std::string text_ = "weights";
  const SignedFile file_ = SignedText("model.bin", text_);
  const SigningKey key_ = {Ed25519Signer(Secret::Random(32))};
  const std::vector<NamedKey> keys_ = {{"me@example.org", key_.signer->Public()}};
};

TEST_F(SshSignature, IsMadeAndChecked) {
  const auto text = SignSsh(key_, file_);
  ASSERT_TRUE(Ok(text));
  const auto check = CheckSsh(*text, file_, keys_);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, SignatureCheck::State::kGood) << check->reason;
  EXPECT_EQ(check->signer, "me@example.org");
  EXPECT_TRUE(IsGood(Check(Good())));
  const auto pem = GenerateEcKeyPem(KeyType::kP256, nullptr);
  const auto ecdsa = ParsePemPrivateKey(pem->Text(), "", nullptr);
  EXPECT_EQ(SignSsh(*ecdsa, file_).error().code, Errc::kUnsupported);
}

TEST_F(SshSignature, RefusesWhatIsNotOfItsForm) {
  const auto code = [&](auto change) -> std::optional<Errc> {
    Parts parts = Good();
    change(parts);
    const auto check = Check(parts);
    return check ? std::optional<Errc>() : check.error().code;
  };
  EXPECT_EQ(code([](Parts&) {}), std::nullopt);
  EXPECT_EQ(code([](Parts& p) { p.magic = "SSHSIX"; }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.version.back() = 2; }), Errc::kUnsupported);
  EXPECT_EQ(code([](Parts& p) { p.reserved = "x"; }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.hash = "md5"; }), Errc::kUnsupported);
  EXPECT_EQ(code([](Parts& p) { p.more = "x"; }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.key += "x"; }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.signature += "x"; }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.signature = Strings({"rsa-sha2-512", "x"}); }), Errc::kMalformed);
  EXPECT_EQ(code([](Parts& p) { p.signature = Strings({"ssh-ed25519"}); }), Errc::kMalformed);
}

// The namespace that is checked is the one that is signed.
TEST_F(SshSignature, IsBadUnderABorrowedNamespace) {
  const std::string git = SignVector("ssh-ed25519-git.sshsig");
  const std::vector<NamedKey> keys = {KeyVector("ssh-ed25519.pub")};
  const std::string begin = "-----BEGIN SSH SIGNATURE-----\n";
  std::string base64 = git.substr(begin.size(), git.find("-----END") - begin.size());
  std::erase(base64, '\n');
  std::string blob = FromBase64(base64).value();
  const std::size_t at = blob.find("git");
  blob.replace(at - 4, 7, Strings({kSshNamespace}));
  const std::string message = SignVector("list.sha256");
  const auto check = CheckSsh(begin + ToBase64(blob) + "\n-----END SSH SIGNATURE-----\n",
                              SignedText("list.sha256", message), keys);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, SignatureCheck::State::kBad);
  EXPECT_THAT(check->reason, testing::HasSubstr("was changed"));
}

TEST_F(SshSignature, OfSha1IsRefusedAndOfHardwareKeysUnknown) {
  Parts parts = Good();
  std::vector<NamedKey> keys = {KeyVector("ssh-rsa-3072.pub")};
  const std::string line = SignVector("ssh-rsa-3072.pub");
  parts.key = FromBase64(line.substr(8, line.find(' ', 8) - 8)).value();
  parts.signature = Strings({"ssh-rsa", std::string(384, 'x')});
  const auto sha1 = CheckSsh(parts.Text(), file_, keys);
  ASSERT_FALSE(sha1);
  EXPECT_EQ(sha1.error().code, Errc::kUnsupported);
  EXPECT_THAT(sha1.error().message, testing::HasSubstr("SHA-1"));

  parts = Good();
  parts.key = Strings({"sk-ssh-ed25519@openssh.com", std::string(32, 'k'), "ssh:"});
  parts.signature = Strings({"sk-ssh-ed25519@openssh.com", "x"});
  const auto hardware = Check(parts);
  ASSERT_TRUE(Ok(hardware));
  EXPECT_EQ(hardware->state, SignatureCheck::State::kUnknownKey);
}

}  // namespace
}  // namespace hallmark
