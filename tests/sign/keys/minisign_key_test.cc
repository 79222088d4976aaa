#include "sign/keys/minisign_key.h"

#include <algorithm>

#include "sign/detached/public_key_file.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr ScryptCost kCheap = {32768, 16777216};  // the least that libsodium does

PasswordSource Say(std::string password) {
  return [password](std::string_view) -> Result<Secret> { return Secret::Copy(AsBytes(password)); };
}
Result<Secret> NeverAsked(std::string_view what) {
  ADD_FAILURE() << "asked for " << what;
  return Error{Errc::kUsage, "", "nobody is there"};
}

// The file's bytes with `change` at `at`.
std::string WithBytes(std::string_view file, std::size_t at, std::string_view change) {
  const std::size_t line = file.find('\n') + 1;
  std::string bytes = FromBase64(TrimAscii(file.substr(line))).value();
  bytes.replace(at, change.size(), change);
  return std::string(file.substr(0, line)) + ToBase64(bytes) + "\n";
}

TEST(MinisignKey, IsReadBackWithAndWithoutAPassword) {
  const MinisignKey key = GenerateMinisignKey();
  const auto signer = Ed25519Signer(key.seed);
  const auto plain = WriteMinisignSecretKey(key, nullptr);
  ASSERT_TRUE(Ok(plain));
  const auto back = ParseMinisignSecretKey(plain->Text(), "a.key", NeverAsked);
  ASSERT_TRUE(Ok(back));
  EXPECT_EQ(back->number, key.number);
  EXPECT_EQ(back->signer->Public(), signer->Public());

  const Secret password = Secret::Copy(AsBytes("correct horse"));
  const auto encrypted = WriteMinisignSecretKey(key, &password, kCheap);
  ASSERT_TRUE(Ok(encrypted));
  EXPECT_NE(encrypted->Text(), plain->Text());
  std::string asked;
  const auto opened = ParseMinisignSecretKey(encrypted->Text(), "a.key",
                                             [&](std::string_view what) -> Result<Secret> {
                                               asked = what;
                                               return Secret::Copy(AsBytes("correct horse"));
                                             });
  ASSERT_TRUE(Ok(opened));
  EXPECT_EQ(opened->signer->Public(), signer->Public());
  EXPECT_EQ(asked, "the password of a.key");
}

TEST(MinisignKey, IsNotOpenedByAnotherPassword) {
  const MinisignKey key = GenerateMinisignKey();
  const Secret password = Secret::Copy(AsBytes("correct horse"));
  const auto encrypted = WriteMinisignSecretKey(key, &password, kCheap);
  ASSERT_TRUE(Ok(encrypted));
  for (const char* wrong : {"", "correct hors", "Correct horse", "correct horse "}) {
    const auto opened = ParseMinisignSecretKey(encrypted->Text(), "a.key", Say(wrong));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kUsage);
    EXPECT_THAT(opened.error().message, testing::Not(testing::HasSubstr("horse")));
  }
}

// What asks for more than minisign itself would spend is refused before anything is spent, and
// before anybody is asked for a password.
TEST(MinisignKey, RefusesACostThatIsNotMinisigns) {
  const MinisignKey key = GenerateMinisignKey();
  const Secret password = Secret::Copy(AsBytes("x"));
  const auto encrypted = WriteMinisignSecretKey(key, &password, kCheap);
  ASSERT_TRUE(Ok(encrypted));
  constexpr std::size_t kOperationsAt = 38, kMemoryAt = 46;
  for (const std::uint64_t operations : {std::uint64_t{33554433}, ~std::uint64_t{0}}) {
    const auto refused = ParseMinisignSecretKey(
        WithBytes(encrypted->Text(), kOperationsAt, Le64(operations)), "a.key", NeverAsked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  }
  for (const std::uint64_t memory : {std::uint64_t{1073741825}, ~std::uint64_t{0}}) {
    const auto refused = ParseMinisignSecretKey(
        WithBytes(encrypted->Text(), kMemoryAt, Le64(memory)), "a.key", NeverAsked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  }
  for (const std::size_t at : {kOperationsAt, kMemoryAt}) {
    const auto refused =
        ParseMinisignSecretKey(WithBytes(encrypted->Text(), at, Le64(0)), "a.key", NeverAsked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kMalformed);
  }
}

TEST(MinisignKey, RefusesUnknownKindsAndForeignPublicHalves) {
  const auto plain = WriteMinisignSecretKey(GenerateMinisignKey(), nullptr);
  ASSERT_TRUE(Ok(plain));
  for (const std::size_t at : {0u, 2u, 4u}) {  // algorithm, password's hash, check
    const auto refused =
        ParseMinisignSecretKey(WithBytes(plain->Text(), at, "Xx"), "a.key", NeverAsked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  }
  const auto other =
      ParseMinisignSecretKey(WithBytes(plain->Text(), 94, "Xx"), "a.key", NeverAsked);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kMalformed);
  EXPECT_FALSE(IsMinisignSecretKey(std::string(plain->Text()) + "more\n"));
  EXPECT_FALSE(IsMinisignSecretKey(plain->Text().substr(0, plain->Size() - 1)));
}

TEST(MinisignKey, PublicKeysAreWrittenAsMinisignNamesThem) {
  const MinisignKey key = {std::string("\x22\x6e\x9a\xf6\xcd\x62\xd3\x0b", 8), Secret(32)};
  const auto signer = Ed25519Signer(key.seed);
  const std::string text = WriteMinisignPublicKey(signer->Public(), key.number);
  // No leading zero.
  EXPECT_TRUE(text.starts_with("untrusted comment: minisign public key BD362CDF69A6E22\nRWQibpr2"));
  const auto back = ParsePublicKey(text, "a.pub");
  ASSERT_TRUE(Ok(back));
  EXPECT_EQ(back->key, signer->Public());
  EXPECT_EQ(back->number, key.number);
  EXPECT_EQ(back->name, "minisign public key BD362CDF69A6E22");
}

}  // namespace
}  // namespace hallmark
