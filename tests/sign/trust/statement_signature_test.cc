#include "sign/trust/statement_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "src/hash/hasher.h"
#include "tests/support/signing.h"

namespace hallmark {
namespace {

using ::testing::HasSubstr;

// As docs/statements.md writes it.
const std::string kText =
    "hallmark-statement/v1\n"
    "kind manifest\n"
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    "weights hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee\n"
    "origin my-org/my-model\n"
    "version 3\n"
    "issued 1700000000\n"
    "expires -\n";

TEST(StatementText, ReadsEveryLine) {
  const auto statement = ParseStatementText(kText, "sig");
  ASSERT_TRUE(statement) << statement.error().message;
  EXPECT_EQ(statement->kind, "manifest");
  EXPECT_EQ(statement->sha256, HashBytes(Algorithm::kSha256, {}));
  EXPECT_EQ(statement->weights,
            "hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee");
  EXPECT_EQ(statement->origin, "my-org/my-model");
  EXPECT_EQ(statement->version, 3u);
  EXPECT_EQ(statement->issued, 1'700'000'000u);
  EXPECT_FALSE(statement->expires.has_value());
  EXPECT_EQ(WriteStatementText(*statement), kText);
}

// A text that says the same in another form would have another signature.
TEST(StatementText, HasOneForm) {
  const struct {
    std::string_view from, to;
  } kChanges[] = {
      {"version 3", "version 03"},
      {"version 3", "version +3"},
      {"version 3", "version -"},
      {"version 3", "version 18446744073709551616"},
      {"version 3\n", "version 3 \n"},
      {"issued 1700000000", "issued 1.7e9"},
      {"issued 1700000000", "issued "},
      {"expires -\n", "expires -"},
      {"expires -\n", "expires -\nmore 1\n"},
      {"expires -\n", ""},
      {"kind manifest\n", ""},
      {"kind manifest", "kind login"},
      {"e3b0c4", "E3B0C4"},
      {"e3b0c4", "e3b0c"},
      {"hm1:f0", "hm1:F0"},
      {"hm1:f0", "hm2:f0"},
      {"hm1:f0", "hm1:f"},
      {"my-org/my-model", "my-org//my-model"},
      {"my-org/my-model", "../my-model"},
      {"my-org/my-model", "my org/my-model"},
      {"my-org/my-model", "/my-model"},
      {"v1\n", "v2\n"},
      {"hallmark-statement", "hallmark"},
  };
  for (const auto& change : kChanges) {
    std::string text = kText;
    text.replace(text.find(change.from), change.from.size(), change.to);
    EXPECT_FALSE(ParseStatementText(text, "sig")) << change.from << " -> " << change.to;
  }
}

TEST(StatementText, KnowsOrigins) {
  for (const std::string_view good : {"a", "meta-llama/Llama-2-7b-hf", "a/b/c", "x_1.y"}) {
    EXPECT_TRUE(IsOrigin(good)) << good;
  }
  for (const std::string_view bad : {"", "/", "a/", "/a", "a//b", ".", "..", "a/..", "-", "a b",
                                     "a\n", "\xC3\xA4", "a/.hidden"}) {
    EXPECT_FALSE(IsOrigin(bad)) << bad;
  }
  EXPECT_FALSE(IsOrigin(std::string(257, 'a')));
}

TEST(StatementText, AnotherVersionIsUnsupported) {
  std::string text = kText;
  text.replace(text.find("v1"), 2, "v9");
  const auto statement = ParseStatementText(text, "sig");
  ASSERT_FALSE(statement);
  EXPECT_EQ(statement.error().code, Errc::kUnsupported);
}

TEST(SignedStatement, IsReadWithItsSignatures) {
  const auto statement = ParseStatementText(kText, "sig");
  ASSERT_TRUE(statement);
  const std::string text = SignedNoteText(*statement, {1, 2});
  EXPECT_TRUE(LooksLikeStatementSignature(text));
  const auto parsed = ParseSignedStatement(text, "sig");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->note.signatures.size(), 2u);
  EXPECT_EQ(parsed->statement.version, 3u);
}

}  // namespace
}  // namespace hallmark
