// What a statement says, once it is read; what is refused, the cases of verify_oms_vectors_test.cc
// show.
#include "sign/oms/statement.h"

#include <fmt/format.h>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// SHA-256 of "a" and of "b" (FIPS 180-4, by sha256sum), and of both digests one after the other.
constexpr std::string_view kA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
constexpr std::string_view kB = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
constexpr std::string_view kRoot =
    "e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a";

std::string Statement(std::string_view serialization, std::string_view resources,
                      std::string_view root = kRoot) {
  return fmt::format(
      R"({{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"m","digest":)"
      R"({{"sha256":"{}"}}}}],"predicateType":"https://model_signing/signature/v1.0",)"
      R"("predicate":{{"serialization":{{{}}},"resources":[{}]}}}})",
      root, serialization, resources);
}

std::string Resource(std::string_view name, std::string_view digest,
                     std::string_view algorithm = "sha256") {
  return fmt::format(R"({{"name":"{}","digest":"{}","algorithm":"{}"}})", name, digest, algorithm);
}

TEST(OmsStatement, SaysWhatIsListed) {
  const auto statement =
      ParseOmsStatement(Statement(R"("method":"files","hash_type":"sha256","allow_symlinks":true,)"
                                  R"("ignore_paths":["z/cache",".git"])",
                                  Resource("x/a", kA) + "," + Resource("b", kB)),
                        "s");
  ASSERT_TRUE(Ok(statement));
  EXPECT_EQ(statement->model_name, "m");
  EXPECT_EQ(statement->root.Hex(), kRoot);
  EXPECT_EQ(statement->method, OmsMethod::kFiles);
  EXPECT_EQ(statement->shard_bytes, 0u);
  EXPECT_TRUE(statement->allow_links);
  EXPECT_FALSE(statement->is_legacy);
  EXPECT_THAT(statement->ignored_paths, testing::ElementsAre(".git", "z/cache"));
  ASSERT_EQ(statement->resources.size(), 2u);
  EXPECT_EQ(statement->resources[0].path, "x/a");
  EXPECT_EQ(statement->resources[0].digest.Hex(), kA);
  EXPECT_EQ(statement->resources[1].path, "b");
  EXPECT_TRUE(statement->findings.empty());
}

TEST(OmsStatement, TakesShardsApart) {
  const auto statement = ParseOmsStatement(
      Statement(R"("method":"shards","hash_type":"sha256","allow_symlinks":false,)"
                R"("shard_size":1000.0)",
                Resource("ww:1:0:1000", kA, "sha256-sharded-1000") + "," +
                    Resource("ww:1:1000:1001", kB, "sha256-sharded-1000")),
      "s");
  ASSERT_TRUE(Ok(statement));
  EXPECT_EQ(statement->method, OmsMethod::kShards);
  EXPECT_EQ(statement->shard_bytes, 1000u);
  EXPECT_EQ(statement->resources[0].path, "ww:1");
  EXPECT_EQ(statement->resources[0].range, (ByteRange{0, 1000}));
  EXPECT_EQ(statement->resources[1].range, (ByteRange{1000, 1}));
}

TEST(OmsStatement, OneFileHasNoPath) {
  const auto statement = ParseOmsStatement(
      Statement(
          R"("method":"files","hash_type":"sha256","allow_symlinks":false)", Resource(".", kA),
          // Of the digest kA alone.
          HashBytes(Algorithm::kSha256, Digest::FromHex(Algorithm::kSha256, kA)->Bytes()).Hex()),
      "s");
  ASSERT_TRUE(Ok(statement));
  EXPECT_EQ(statement->resources[0].path, "");
}

TEST(OmsStatement, NamesMembersThatAreNotKnown) {
  const auto statement = ParseOmsStatement(
      Statement(R"("method":"files","hash_type":"sha256","allow_symlinks":false,"ne\u001bw":1)",
                Resource("a", kA) + "," + Resource("b", kB)),
      "s");
  ASSERT_TRUE(Ok(statement));
  ASSERT_EQ(statement->findings.size(), 1u);
  EXPECT_EQ(statement->findings[0].code, "unknown-field");
  EXPECT_THAT(statement->findings[0].message, testing::HasSubstr("ne\\x1bw"));
}

// Many paths against many ignored ones take no longer than sorting them.
TEST(OmsStatement, ReadsLargeStatementsQuickly) {
  constexpr int kFiles = 100000;
  std::string resources, ignored;
  const auto root = MakeHasher(Algorithm::kSha256);
  for (int i = 0; i < kFiles; ++i) {
    resources += (i ? "," : "") + Resource(fmt::format("folder/{}/file", i), kA);
    ignored += fmt::format("{}\"folder/{}/cache\"", i ? "," : "", i);
    root->Update(Digest::FromHex(Algorithm::kSha256, kA)->Bytes());
  }
  const auto statement = ParseOmsStatement(
      Statement(R"("method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":[)" +
                    ignored + "]",
                resources, root->Finish().Hex()),
      "s");
  ASSERT_TRUE(Ok(statement));
  EXPECT_EQ(statement->resources.size(), static_cast<std::size_t>(kFiles));
}

}  // namespace
}  // namespace hallmark
