#include "sign/detached/minisign.h"

#include "sign/keys/minisign_key.h"
#include "tests/sign/detached/tampering.h"

namespace hallmark {
namespace {

constexpr auto kGood = SignatureCheck::State::kGood;
constexpr auto kBad = SignatureCheck::State::kBad;

class Minisign : public testing::Test {
 protected:
  static SigningKey MakeKey(std::string number) {
    return {Ed25519Signer(Secret::Random(32)), std::move(number)};
  }
  NamedKey Public(const SigningKey& key) const {
    return {"the publisher", key.signer->Public(), key.number};
  }

  const std::string text_ = "weights";
  const SignedFile file_ = SignedText("model.bin", text_);
  const SigningKey key_ = MakeKey("12345678");
  const std::vector<NamedKey> keys_ = {Public(key_)};
};

TEST_F(Minisign, WritesTheFieldsThatAreAskedFor) {
  const auto comment_of = [&](const MinisignOptions& options) {
    const auto text = SignMinisign(key_, file_, options);
    EXPECT_TRUE(Ok(text));
    const auto check = CheckMinisign(*text, file_, keys_);
    EXPECT_TRUE(IsGood(check));
    EXPECT_EQ(check->signer, "the publisher");
    EXPECT_EQ(check->key, "3837363534333231");  // the number, little-endian
    return check->comment;
  };
  EXPECT_EQ(comment_of({}), "file:model.bin\thashed");
  EXPECT_EQ(comment_of({.legacy = true}), "file:model.bin");
  EXPECT_EQ(comment_of({.time = 7, .version = 3}),
            "timestamp:7\tfile:model.bin\thashed\tversion:3");
  // printf weights | sha256sum
  EXPECT_EQ(comment_of({.with_sha256 = true}),
            "file:model.bin\thashed\t"
            "sha256:9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c");
  EXPECT_EQ(comment_of({.trusted_comment = "one\ttwo"}), "one\ttwo");
  EXPECT_EQ(comment_of({.trusted_comment = ""}), "");
}

TEST_F(Minisign, SignsTheSameTwice) {
  EXPECT_EQ(SignMinisign(key_, file_).value(), SignMinisign(key_, file_).value());
}

TEST_F(Minisign, IsBadUnderAnotherName) {
  const auto text = SignMinisign(key_, file_);
  ASSERT_TRUE(Ok(text));
  const auto check = CheckMinisign(*text, SignedText("model-old.bin", text_), keys_);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, kBad);
  EXPECT_THAT(check->reason,
              testing::AllOf(testing::HasSubstr("model.bin"), testing::HasSubstr("model-old.bin")));
  EXPECT_EQ(check->comment, "file:model.bin\thashed");
  // Where the caller says that names do not matter, and where the comment names none.
  EXPECT_TRUE(IsGood(CheckMinisign(*text, SignedText("", text_), keys_)));
  const auto free =
      SignMinisign(key_, file_, {.trusted_comment = "a file:model.bin that is no field"});
  EXPECT_TRUE(IsGood(CheckMinisign(*free, SignedText("other.bin", text_), keys_)));
  const auto path = SignMinisign(key_, file_, {.trusted_comment = "file:folder/model.bin"});
  EXPECT_TRUE(IsGood(CheckMinisign(*path, file_, keys_)));
}

TEST_F(Minisign, IsBadWithAnotherSha256) {
  for (const char* comment : {"sha256:00", "sha256:",
                              "x\tsha256:"
                              "0000000000000000000000000000000000000000000000000000000000000000"}) {
    const auto text = SignMinisign(key_, file_, {.trusted_comment = comment});
    ASSERT_TRUE(Ok(text));
    const auto check = CheckMinisign(*text, file_, keys_);
    ASSERT_TRUE(Ok(check));
    EXPECT_EQ(check->state, kBad);
    EXPECT_THAT(check->reason, testing::HasSubstr("SHA-256"));
  }
}

TEST_F(Minisign, DoesNotShowACommentThatWasChanged) {
  auto text = SignMinisign(key_, file_, {.trusted_comment = "version 1"});
  ASSERT_TRUE(Ok(text));
  text->replace(text->find("version 1"), 9, "version 2");
  const auto check = CheckMinisign(*text, file_, keys_);
  ASSERT_TRUE(Ok(check));
  EXPECT_EQ(check->state, kBad);
  EXPECT_EQ(check->comment, "");
  EXPECT_THAT(check->reason, testing::HasSubstr("trusted comment"));
}

// Two keys of one number, and a key of which only the bytes are known.
TEST_F(Minisign, FindsItsKeyByNumberAndByTrying) {
  const auto text = SignMinisign(key_, file_);
  ASSERT_TRUE(Ok(text));
  const SigningKey twin = MakeKey("12345678");
  const std::vector<NamedKey> both = {Public(twin), Public(key_)};
  EXPECT_TRUE(IsGood(CheckMinisign(*text, file_, both)));
  EXPECT_EQ(CheckMinisign(*text, file_, std::span(both).first(1))->state, kBad);
  const std::vector<NamedKey> bare = {{"bare", key_.signer->Public()}};
  EXPECT_TRUE(IsGood(CheckMinisign(*text, file_, bare)));
  const std::vector<NamedKey> foreign = {{"bare", twin.signer->Public()}};
  EXPECT_EQ(CheckMinisign(*text, file_, foreign)->state, SignatureCheck::State::kUnknownKey);
  const std::vector<NamedKey> renumbered = {{"other", key_.signer->Public(), "87654321"}};
  EXPECT_EQ(CheckMinisign(*text, file_, renumbered)->state, SignatureCheck::State::kUnknownKey);
}

TEST_F(Minisign, RefusesCommentsThatTerminalsWouldAct) {
  for (const char* bad :
       {"two\nlines", "\x1b[2J", "bell\x07", "nul\x7f", "\xff", "\u202Eback", "\u009B2J", "cr\r"}) {
    EXPECT_EQ(SignMinisign(key_, file_, {.trusted_comment = bad}).error().code, Errc::kUsage);
    EXPECT_EQ(SignMinisign(key_, file_, {.untrusted_comment = bad}).error().code, Errc::kUsage);
    EXPECT_EQ(SignMinisign(key_, SignedText(bad, text_)).error().code, Errc::kUsage);
  }
  EXPECT_FALSE(SignMinisign(key_, SignedText("a\tb", text_)));
  EXPECT_FALSE(SignMinisign(key_, file_, {.untrusted_comment = "a\tb"}));
  const auto plain = SignMinisign(key_, file_, {.trusted_comment = "C:\\m\u00f6del \u6a21\u578b"});
  EXPECT_TRUE(IsGood(CheckMinisign(*plain, file_, keys_)));
}

// The longest that minisign 0.11 verifies; tried with it.
TEST_F(Minisign, BoundsComments) {
  EXPECT_TRUE(Ok(SignMinisign(key_, file_, {.untrusted_comment = std::string(1003, 'x')})));
  EXPECT_FALSE(SignMinisign(key_, file_, {.untrusted_comment = std::string(1004, 'x')}));
  const auto longest = SignMinisign(key_, file_, {.trusted_comment = std::string(8173, 'x')});
  EXPECT_TRUE(IsGood(CheckMinisign(*longest, file_, keys_)));
  EXPECT_FALSE(SignMinisign(key_, file_, {.trusted_comment = std::string(8174, 'x')}));
  std::string longer = *longest;
  longer.insert(longer.find("xxx"), "x");
  EXPECT_FALSE(CheckMinisign(longer, file_, keys_));
}

TEST_F(Minisign, SignsByNumberedKeysOnly) {
  const SigningKey bare = MakeKey("");
  const auto refused = SignMinisign(bare, file_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUsage);
  EXPECT_FALSE(refused.error().hint.empty());
}

}  // namespace
}  // namespace hallmark
