#include "src/hash/digest.h"

#include <set>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::string_view kMd5OfNothing = "d41d8cd98f00b204e9800998ecf8427e";  // RFC 1321, A.5

TEST(Algorithm, NamesAreUniqueAndFindTheirAlgorithm) {
  std::set<std::string_view> names;
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(AlgorithmByName(info.name), info.algorithm);
    EXPECT_EQ(InfoOf(info.algorithm).name, info.name);
  }
}

TEST(Algorithm, KnowsTheSpellingsOfOtherTools) {
  EXPECT_EQ(AlgorithmByName("SHA2-256"), Algorithm::kSha256);
  EXPECT_EQ(AlgorithmByName("SHA-256"), Algorithm::kSha256);
  EXPECT_EQ(AlgorithmByName("Sha512"), Algorithm::kSha512);
  EXPECT_EQ(AlgorithmByName("SHA1"), Algorithm::kSha1);
  EXPECT_EQ(AlgorithmByName("BLAKE2b"), Algorithm::kBlake2b);
  EXPECT_EQ(AlgorithmByName("BLAKE2B-512"), Algorithm::kBlake2b);
  EXPECT_EQ(AlgorithmByName("CRC-32"), Algorithm::kCrc32);
}

// Another algorithm under a name that looks alike must not be taken for the one known here.
TEST(Algorithm, DoesNotGuess) {
  for (const std::string_view name :
       {"", "sha", "sha2", "sha3-256", "SHA2-512/256", "sha224", "crc", "crc32c", "blake2s",
        "blake2b-256", "sha256 ", " md5", "md4"}) {
    EXPECT_EQ(AlgorithmByName(name), std::nullopt) << name;
  }
}

TEST(Digest, ReadsEitherCaseAndWritesLower) {
  const auto digest = Digest::FromHex(Algorithm::kMd5, "D41D8CD98F00B204E9800998ECF8427E");
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->Hex(), kMd5OfNothing);
  EXPECT_EQ(digest->Bytes().size(), 16u);
  EXPECT_EQ(digest->ToString(), "md5:" + std::string(kMd5OfNothing));
  EXPECT_EQ(Digest::Parse(digest->ToString()), digest);
}

TEST(Digest, RefusesWhatHasTheWrongLengthOrIsNoHex) {
  EXPECT_FALSE(Digest::FromHex(Algorithm::kSha1, kMd5OfNothing));
  EXPECT_FALSE(Digest::FromHex(Algorithm::kMd5, kMd5OfNothing.substr(1)));
  EXPECT_FALSE(Digest::FromHex(Algorithm::kMd5, "g41d8cd98f00b204e9800998ecf8427e"));
  EXPECT_FALSE(Digest::FromHex(Algorithm::kMd5, ""));
  EXPECT_FALSE(Digest::FromHex(Algorithm::kCrc32, "0x3bf439"));
  for (const std::string_view text :
       {"", ":", "md5", "md5:", "md6:d41d8cd98f00b204e9800998ecf8427e",
        "md5: d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e",
        "md5:d41d8cd98f00b204e9800998ecf8427e\n", ":d41d8cd98f00b204e9800998ecf8427e"}) {
    EXPECT_FALSE(Digest::Parse(text)) << text;
  }
}

TEST(Digest, EqualBytesOfAnotherAlgorithmAreAnotherDigest) {
  const std::string hex(64, 'a');
  EXPECT_NE(Digest::FromHex(Algorithm::kSha256, hex), Digest::FromHex(Algorithm::kBlake3, hex));
  EXPECT_NE(Digest::FromHex(Algorithm::kSha256, hex), Digest::FromHex(Algorithm::kTree, hex));
}

}  // namespace
}  // namespace hallmark
