#include "sign/detached/signify.h"

#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

class Signify : public testing::Test {
 protected:
  const std::string text_ = "SHA256 (a) = 00\n";
  const SignedFile file_ = SignedText("SHA256", text_);
  const SigningKey key_ = {Ed25519Signer(Secret::Random(32)), "12345678"};
  const std::vector<NamedKey> keys_ = {{"the publisher", key_.signer->Public(), key_.number}};
};

TEST_F(Signify, SignsAndChecks) {
  const auto text = SignSignify(key_, file_, "verify with release.pub");
  ASSERT_TRUE(Ok(text));
  EXPECT_TRUE(text->starts_with("untrusted comment: verify with release.pub\nRW"));
  EXPECT_TRUE(IsSignifySignature(*text));
  const auto check = CheckSignify(*text, file_, keys_);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, SignatureCheck::State::kGood);
  EXPECT_EQ(check->signer, "the publisher");
  EXPECT_EQ(check->comment, "");  // nothing in it is bound
}

TEST_F(Signify, RefusesCommentsThatAreNoLine) {
  EXPECT_FALSE(SignSignify(key_, file_, "two\nlines"));
  EXPECT_FALSE(SignSignify(key_, file_, std::string(1004, 'x')));
  EXPECT_TRUE(Ok(SignSignify(key_, file_, std::string(1003, 'x'))));
}

// minisign's hashed form has the same size, and is another algorithm.
TEST_F(Signify, RefusesTheHashedFormOfMinisign) {
  const std::string text = SignVector("minisign-default.minisig");
  const std::string two_lines = text.substr(0, text.find("trusted comment: ", 20));
  const std::vector<NamedKey> keys = {KeyVector("minisign.pub")};
  const auto check = CheckSignify(two_lines, file_, keys);
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, Errc::kUnsupported);
}

TEST_F(Signify, EmbeddedTextsAreTakenApartAsTheyAre) {
  const auto signature = SignSignify(key_, file_);
  ASSERT_TRUE(Ok(signature));
  const std::string both = WriteEmbeddedSignify(*signature, text_);
  EXPECT_TRUE(IsEmbeddedSignify(both));
  EXPECT_FALSE(IsSignifySignature(both));
  EXPECT_FALSE(IsEmbeddedSignify(*signature));
  EXPECT_FALSE(IsEmbeddedSignify(SignVector("minisign-default.minisig")));
  EXPECT_FALSE(IsEmbeddedSignify(SignVector("signify.pub") + "more"));
  const auto parsed = ParseEmbeddedSignify(both, "SHA256.sig");
  ASSERT_TRUE(Ok(parsed));
  EXPECT_EQ(parsed->signature, *signature);
  EXPECT_EQ(parsed->message, text_);
  EXPECT_FALSE(ParseEmbeddedSignify("untrusted comment: x\n", "SHA256.sig"));
}

}  // namespace
}  // namespace hallmark
