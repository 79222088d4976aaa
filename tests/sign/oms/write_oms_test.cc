#include "sign/oms/write_oms.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "sign/keys/pem_key.h"
#include "sign/oms/oms_key.h"
#include "sign/oms/verify_oms.h"
#include "src/base/base64.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

Digest Sha256(std::string_view text) { return HashBytes(Algorithm::kSha256, AsBytes(text)); }

OmsModel TwoFiles() {
  OmsModel model;
  model.name = "model";
  model.files = {{"sub/b", 1, {Sha256("b")}}, {"a", 1, {Sha256("a")}}};
  model.ignored_paths = {".gitignore", ".git", ".git"};
  return model;
}

std::unique_ptr<Signer> NewSigner(KeyType type) {
  const auto text = GenerateEcKeyPem(type, nullptr);
  EXPECT_TRUE(Ok(text));
  auto key = ParsePemPrivateKey(text->Text(), "key.pem", nullptr);
  EXPECT_TRUE(Ok(key));
  return std::move(key->signer);
}

// By hand: members sorted, resources by name, digests of "a" and "b" by sha256sum.
TEST(WriteOms, WritesTheCanonicalStatement) {
  const auto statement = WriteOmsStatement(TwoFiles());
  ASSERT_TRUE(Ok(statement));
  EXPECT_EQ(
      *statement,
      R"({"_type":"https://in-toto.io/Statement/v1","predicate":{"resources":[)"
      R"({"algorithm":"sha256","digest":)"
      R"("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","name":"a"},)"
      R"({"algorithm":"sha256","digest":)"
      R"("3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","name":"sub/b"}],)"
      R"("serialization":{"allow_symlinks":false,"hash_type":"sha256",)"
      R"("ignore_paths":[".git",".gitignore"],"method":"files"}},)"
      R"("predicateType":"https://model_signing/signature/v1.0","subject":[{"digest":{"sha256":)"
      R"("e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a"},)"
      R"("name":"model"}]})");
}

std::vector<std::string> Names(const OmsModel& model) {
  const auto statement = WriteOmsStatement(model);
  EXPECT_TRUE(Ok(statement));
  if (!statement) return {};
  const auto document = JsonDocument::Parse(*statement, "");
  std::vector<std::string> names;
  for (const JsonValue& resource : document->Root().Find("predicate")->Find("resources")->Items()) {
    names.emplace_back(*resource.Find("name")->AsString());
  }
  return names;
}

// Of the whole name (section 5.2.1), where '-' is before '/', and é behind all of ASCII.
TEST(WriteOms, SortsByCodePoints) {
  OmsModel model;
  model.name = "m";
  for (const std::string path : {"é", "z", "a/z", "a-b/z", "\U0001F600", "\uFFFD"}) {
    model.files.push_back({path, 1, {Sha256(path)}});
  }
  EXPECT_THAT(Names(model), testing::ElementsAre("a-b/z", "a/z", "z", "é", "\uFFFD", "\U0001F600"));
}

TEST(WriteOms, NamesShardsByTheirRange) {
  OmsModel model;
  model.name = "m";
  model.shard_bytes = 4;
  model.files = {{"w", 9, {Sha256("0"), Sha256("1"), Sha256("2")}}, {"empty", 0, {}}};
  EXPECT_THAT(Names(model), testing::ElementsAre("w:0:4", "w:4:8", "w:8:9"));
}

TEST(WriteOms, WritesForModelSigning11) {
  OmsModel model;
  model.name = "w";
  model.is_one_file = true;
  model.for_model_signing_1_1 = true;
  model.shard_bytes = 4;
  model.files = {{"w", 4, {Sha256("0")}}};
  const auto statement = WriteOmsStatement(model);
  ASSERT_TRUE(Ok(statement));
  EXPECT_THAT(*statement, testing::HasSubstr(R"("name":".:0:4")"));
  EXPECT_THAT(*statement, testing::HasSubstr(R"("algorithm":"sha256-sharded-4")"));
}

class WrittenBundles : public testing::TestWithParam<KeyType> {};

TEST_P(WrittenBundles, Verify) {
  const auto signer = NewSigner(GetParam());
  const auto bundle = WriteOmsBundle(TwoFiles(), *signer);
  ASSERT_TRUE(Ok(bundle));
  const auto result = VerifyOmsBundle(*bundle, {signer->Public()}, "model.sig");
  ASSERT_TRUE(Ok(result));
  EXPECT_EQ(result->signer, OmsKeyHint(signer->Public()));
  EXPECT_EQ(result->statement.resources.size(), 2u);
  EXPECT_TRUE(result->findings.empty());
  const auto other = NewSigner(GetParam());
  EXPECT_FALSE(VerifyOmsBundle(*bundle, {other->Public()}, "model.sig"));
}

INSTANTIATE_TEST_SUITE_P(Curves, WrittenBundles,
                         testing::Values(KeyType::kP256, KeyType::kP384, KeyType::kP521),
                         [](const auto& test) { return std::string(KeyTypeName(test.param)); });

TEST(WriteOms, RefusesKeysThatOmsHasNot) {
  const auto signer = Ed25519Signer(Secret(32));
  const auto bundle = WriteOmsBundle(TwoFiles(), *signer);
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().code, Errc::kUnsupported);
}

TEST(WriteOms, RefusesAnothersCertificate) {
  std::ifstream in(FixturePath("..") / "sign/oms/historical/keys/signing-key-cert.pem");
  std::ostringstream text;
  text << in.rdbuf();
  const auto chain = Certificate::FromPem(text.str(), "cert.pem");
  ASSERT_TRUE(Ok(chain));
  const auto bundle = WriteOmsBundle(TwoFiles(), *NewSigner(KeyType::kP384), *chain);
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().code, Errc::kUsage);
}

TEST(WriteOms, RefusesWhatNobodyCouldVerify) {
  const auto refused = [](auto change) {
    OmsModel model = TwoFiles();
    change(model);
    const auto statement = WriteOmsStatement(model);
    return statement ? std::string() : statement.error().message;
  };
  EXPECT_THAT(refused([](OmsModel& m) { m.files.clear(); }), testing::HasSubstr("no file"));
  EXPECT_THAT(refused([](OmsModel& m) { m.name = ""; }), testing::HasSubstr("name is empty"));
  EXPECT_THAT(refused([](OmsModel& m) { m.files[0].path = "a"; }),
              testing::HasSubstr("listed twice"));
  EXPECT_THAT(refused([](OmsModel& m) { m.files[0].path = "../a"; }),
              testing::HasSubstr("leaves its directory"));
  EXPECT_THAT(refused([](OmsModel& m) { m.files[0].path = "a\nb"; }),
              testing::HasSubstr("control"));
  EXPECT_THAT(refused([](OmsModel& m) { m.files[0].path = "a\xff"; }), testing::HasSubstr("UTF-8"));
  EXPECT_THAT(refused([](OmsModel& m) { m.ignored_paths = {"*.bin"}; }),
              testing::HasSubstr("wildcard"));
  EXPECT_THAT(refused([](OmsModel& m) { m.ignored_paths = {"sub"}; }),
              testing::HasSubstr("listed and ignored"));
}

}  // namespace
}  // namespace hallmark
