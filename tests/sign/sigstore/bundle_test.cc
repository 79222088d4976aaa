#include "sign/sigstore/bundle.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Of a signature with a key, as model signing writes it.
std::string WithMaterial(std::string_view material) {
  return fmt::format(
      R"({{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{},)"
      R"("dsseEnvelope":{{"payload":"e30=","payloadType":"t","signatures":[{{"sig":"Zm9v"}}]}}}})",
      material);
}

TEST(SigstoreBundle, ReadsAKeysHint) {
  const auto bundle =
      ParseSigstoreBundle(WithMaterial(R"({"publicKey":{"hint":"abc"},"tlogEntries":[]})"), "sig");
  ASSERT_TRUE(Ok(bundle));
  EXPECT_EQ(bundle->minor_version, 3);
  EXPECT_EQ(std::get<KeyHint>(bundle->material).hint, "abc");
  EXPECT_TRUE(bundle->has_log_entries);
  EXPECT_TRUE(bundle->log_entries.empty());
  EXPECT_EQ(std::get<DsseEnvelope>(bundle->content).payload, "{}");
  const auto bare = ParseSigstoreBundle(WithMaterial(R"({"publicKey":{"hint":null}})"), "sig");
  ASSERT_TRUE(Ok(bare));
  EXPECT_EQ(std::get<KeyHint>(bare->material).hint, "");
  EXPECT_FALSE(bare->has_log_entries);
}

TEST(SigstoreBundle, ReadsAWholeKey) {
  const auto bundle = ParseSigstoreBundle(
      WithMaterial(R"({"publicKey":{"rawBytes":"Zm9v","keyDetails":"PKIX_ECDSA_P384_SHA_384"}})"),
      "sig");
  ASSERT_TRUE(Ok(bundle));
  EXPECT_EQ(std::get<RawKey>(bundle->material).der, "foo");
  EXPECT_EQ(std::get<RawKey>(bundle->material).details, "PKIX_ECDSA_P384_SHA_384");
}

TEST(SigstoreBundle, ReadsCertificates) {
  const auto chain = ParseSigstoreBundle(
      WithMaterial(
          R"({"x509CertificateChain":{"certificates":[{"rawBytes":"YQ=="},{"rawBytes":"Yg=="}]}})"),
      "sig");
  ASSERT_TRUE(Ok(chain));
  EXPECT_THAT(std::get<CertificateChain>(chain->material).certificates, ElementsAre("a", "b"));
  EXPECT_FALSE(std::get<CertificateChain>(chain->material).single);
  const auto lone =
      ParseSigstoreBundle(WithMaterial(R"({"certificate":{"rawBytes":"YQ=="}})"), "sig");
  ASSERT_TRUE(Ok(lone));
  EXPECT_TRUE(std::get<CertificateChain>(lone->material).single);
}

// Protobuf writes 64-bit numbers as texts and leaves out those that are 0.
TEST(SigstoreBundle, ReadsLogEntries) {
  const auto bundle = ParseSigstoreBundle(
      WithMaterial(
          R"({"publicKey":{},"tlogEntries":[{"logId":{"keyId":"aWQ="},"kindVersion":{"kind":"dsse",)"
          R"("version":"0.0.1"},"integratedTime":"1748779320","canonicalizedBody":"e30="},)"
          R"({"logIndex":"9223372036854775807","logId":{"keyId":"aWQ="},"kindVersion":{"kind":"k",)"
          R"("version":"v"},"inclusionPromise":{"signedEntryTimestamp":"Zm9v"},"canonicalizedBody":""}]})"),
      "sig");
  ASSERT_TRUE(Ok(bundle));
  ASSERT_EQ(bundle->log_entries.size(), 2U);
  EXPECT_EQ(bundle->log_entries[0].log_index, 0U);
  EXPECT_EQ(bundle->log_entries[0].log_id, "id");
  EXPECT_EQ(bundle->log_entries[0].integrated_time, 1748779320U);
  EXPECT_EQ(bundle->log_entries[0].body, "{}");
  EXPECT_FALSE(bundle->log_entries[0].proof.has_value());
  EXPECT_EQ(bundle->log_entries[1].log_index, 9223372036854775807U);
  EXPECT_EQ(bundle->log_entries[1].promise, "foo");
}

TEST(SigstoreBundle, RefusesMaterialThatIsBroken) {
  const struct {
    const char *material, *reason;
  } kCases[] = {
      {"{}", "not exactly one of publicKey"},
      {R"({"publicKey":{},"certificate":{"rawBytes":""}})", "not exactly one of publicKey"},
      {R"({"publicKey":{"hint":1}})", "publicKey.hint is not a text"},
      {R"({"publicKey":{"id":"a"}})", "publicKey.id, which is not known here"},
      {R"({"certificate":{"rawBytes":"YQ"}})", "certificate.rawBytes is not base64"},
      {R"({"publicKey":{},"tlogEntries":{}})", "tlogEntries is not a list"},
      {R"({"publicKey":{},"tlogEntries":[{"logIndex":-1}]})", "logIndex is not a whole number"},
      {R"({"publicKey":{},"tlogEntries":[{"logIndex":"1.0"}]})", "logIndex is not a whole number"},
      {R"({"publicKey":{},"tlogEntries":[{"logIndex":"9223372036854775808"}]})",
       "logIndex is not a whole number"},
      {R"({"publicKey":{},"timestampVerificationData":{"rfc3161Timestamps":[{}]}})",
       "signedTimestamp is not a text"},
      {R"({"publicKey":{},"a\u202eb":1})", "a\\u{202e}b, which is not known here"},
  };
  for (const auto& row : kCases) {
    SCOPED_TRACE(row.material);
    const auto bundle = ParseSigstoreBundle(WithMaterial(row.material), "sig");
    ASSERT_FALSE(bundle.has_value());
    EXPECT_THAT(bundle.error().message, HasSubstr(row.reason));
    EXPECT_EQ(bundle.error().subject, "sig");
  }
}

TEST(SigstoreBundle, CountsAreCapped) {
  std::string many = R"({"publicKey":{},"tlogEntries":[{})";
  for (int i = 0; i < 32; ++i) many += ",{}";
  const auto entries = ParseSigstoreBundle(WithMaterial(many + "]}"), "sig");
  ASSERT_FALSE(entries.has_value());
  EXPECT_THAT(entries.error().message, HasSubstr("a list up to 32"));
  std::string deep(100, '[');
  EXPECT_FALSE(ParseSigstoreBundle(deep + std::string(100, ']'), "sig").has_value());
}

TEST(SigstoreBundle, RefusesDigestsThatAreNotWhatTheySay) {
  const auto parse = [](std::string_view digest) {
    return ParseSigstoreBundle(
        fmt::format(R"({{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1",)"
                    R"("verificationMaterial":{{"publicKey":{{}}}},"messageSignature":)"
                    R"({{"messageDigest":{},"signature":"Zm9v"}}}})",
                    digest),
        "sig");
  };
  const auto none = parse("null");
  ASSERT_TRUE(Ok(none));
  EXPECT_FALSE(std::get<MessageSignature>(none->content).digest.has_value());
  EXPECT_FALSE(parse(R"({"algorithm":"SHA2_256","digest":"YQ=="})").has_value());
  EXPECT_FALSE(parse(R"({"algorithm":"SHA1","digest":"YQ=="})").has_value());
  EXPECT_FALSE(parse(R"({"digest":"YQ=="})").has_value());
}

}  // namespace
}  // namespace hallmark
