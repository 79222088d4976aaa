#include "sign/detached/allowed_signers.h"

#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

constexpr std::int64_t k2024 = 1704067200;  // 2024-01-01T00:00:00Z

class AllowedSigners : public testing::Test {
 protected:
  Result<NamedKeys> Read(const std::string& text, std::int64_t now = k2024) const {
    EXPECT_TRUE(IsAllowedSigners(text)) << text;
    return ParseAllowedSigners(text, "allowed_signers", now);
  }
  // How a line with these options is taken: "" as a signer, else why not.
  std::string Objection(const std::string& options, std::int64_t now = k2024) const {
    const auto keys = Read("me@x " + options + " " + key_ + "\nlast@x " + other_ + "\n", now);
    if (!keys) return "error: " + keys.error().message;
    return keys->left_out.empty() ? "" : keys->left_out[0];
  }

  const std::string key_ = SignVector("ssh-ed25519.pub").substr(0, 80);
  const std::string other_ = SignVector("ssh-ecdsa-256.pub").substr(0, 160);
};

TEST_F(AllowedSigners, AreNamedByTheirPrincipals) {
  const auto keys = Read("# a comment\n\nme@x,you@y " + key_ + " with comment\r\n" +
                         "\"two words\" " + other_ + "\n*@z " + key_ + "\n");
  ASSERT_TRUE(Ok(keys));
  ASSERT_EQ(keys->keys.size(), 3u);
  EXPECT_EQ(keys->keys[0].name, "me@x,you@y");
  EXPECT_EQ(keys->keys[0].key, KeyVector("ssh-ed25519.pub").key);
  EXPECT_EQ(keys->keys[1].name, "two words");
  EXPECT_EQ(keys->keys[1].key, KeyVector("ssh-ecdsa-256.pub").key);
  EXPECT_EQ(keys->keys[2].name, "*@z");
  EXPECT_TRUE(keys->left_out.empty());
}

TEST_F(AllowedSigners, MayBeALineOfKeysEach) {
  const auto keys = Read(key_ + " me@x\n" + other_ + "\n");
  ASSERT_TRUE(Ok(keys));
  ASSERT_EQ(keys->keys.size(), 2u);
  EXPECT_EQ(keys->keys[0].name, "me@x");
  EXPECT_TRUE(keys->keys[1].name.starts_with("sha256:"));
  EXPECT_FALSE(IsAllowedSigners(key_ + " me@x\n"));
  EXPECT_FALSE(IsAllowedSigners(SignVector("minisign.pub")));
  EXPECT_FALSE(IsAllowedSigners(SignVector("pem-p256.pub")));
  EXPECT_FALSE(IsAllowedSigners(""));
}

TEST_F(AllowedSigners, AreHeldToTheirNamespaces) {
  for (const char* fit :
       {"namespaces=\"model-manifest@hallmark\"", "namespaces=model-manifest@hallmark",
        "namespaces=\"git,model-manifest@hallmark\"", "namespaces=\"*\"",
        "NameSpaces=\"*@hallmark\"", "namespaces=\"model-????????@*\""}) {
    EXPECT_EQ(Objection(fit), "") << fit;
  }
  for (const char* unfit : {"namespaces=\"git\"", "namespaces=\"*,!model-manifest@hallmark\"",
                            "namespaces=\"model-manifest@hallmar\"", "namespaces=\"?\""}) {
    EXPECT_THAT(Objection(unfit), testing::HasSubstr("line 1: it is for the namespaces")) << unfit;
  }
}

TEST_F(AllowedSigners, AreHeldToTheirTimes) {
  EXPECT_EQ(Objection("valid-after=\"20240101Z\""), "");
  EXPECT_EQ(Objection("valid-before=\"20240101Z\""), "");
  EXPECT_EQ(Objection("valid-after=\"20230101Z\",valid-before=\"20250101Z\""), "");
  EXPECT_THAT(Objection("valid-after=\"20240101000001Z\""), testing::HasSubstr("valid after"));
  EXPECT_THAT(Objection("valid-before=\"20231231235959Z\""), testing::HasSubstr("valid before"));
  EXPECT_THAT(Objection("valid-before=\"202312312359Z\""), testing::HasSubstr("valid before"));
  EXPECT_THAT(Objection("valid-after=\"20240101Z\"", k2024 - 1), testing::HasSubstr("valid after"));
  EXPECT_EQ(Objection("valid-before=\"20240229Z\"", k2024 + 59 * 86400), "");
  for (const char* broken : {"2024", "20241301Z", "20240230Z", "2024010125Z", "202401012460Z",
                             "20240101 ", "x", "", "99990101000061Z", "2024010Z"}) {
    EXPECT_THAT(Objection("valid-before=\"" + std::string(broken) + "\""),
                testing::HasSubstr("error: line 1"))
        << broken;
  }
}

TEST_F(AllowedSigners, WithoutUseAreLeftOutAndSaid) {
  EXPECT_THAT(Objection("cert-authority"), testing::HasSubstr("certificates"));
  const auto none = Read("me@x cert-authority " + key_ + "\n");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kUntrusted);
  EXPECT_THAT(none.error().message, testing::HasSubstr("certificates"));
  const std::string hardware =
      "sk-ssh-ed25519@openssh.com "
      "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
      "AAAABHNzaDo=";
  const auto mixed = Read("me@x " + hardware + "\nyou@x " + key_ + "\n");
  ASSERT_TRUE(Ok(mixed));
  EXPECT_EQ(mixed->keys.size(), 1u);
  ASSERT_EQ(mixed->left_out.size(), 1u);
  EXPECT_THAT(mixed->left_out[0], testing::HasSubstr("line 1: an SSH key of type sk-ssh"));
}

TEST_F(AllowedSigners, AreRefusedWhereALineIsBroken) {
  for (const std::string& line :
       {std::string("me@x no-such-option ") + key_, "me@x namespaces=\"git " + key_,
        "me@x namespaces= " + key_, std::string("me@x ssh-ed25519 AAAA"),
        "me@x ssh-rsa " + key_.substr(12), std::string("me@x"), "me@x x y " + key_}) {
    const auto keys =
        ParseAllowedSigners(line + "\nyou@x " + key_ + "\n", "allowed_signers", k2024);
    ASSERT_FALSE(keys) << line;
    EXPECT_EQ(keys.error().code, Errc::kMalformed);
    EXPECT_THAT(keys.error().message, testing::HasSubstr("line 1"));
  }
}

}  // namespace
}  // namespace hallmark
