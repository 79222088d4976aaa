#include "sign/sigstore/trusted_root.h"

#include "src/base/base64.h"
#include "tests/sign/sigstore/sigstore_vectors.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::string Changed(const std::string& from, const std::string& to) {
  std::string text = ReadSigstoreVector("roots/root.json");
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(TrustedRootVectors, PublicRootIsThatOfSigstore) {
  const TrustedRoot& root = SigstorePublicRoot();
  ASSERT_EQ(root.logs.size(), 2U);
  EXPECT_EQ(root.logs[0].name, "rekor.sigstore.dev");
  EXPECT_EQ(ToBase64(root.logs[0].id), "wNI9atQGlz+VWfO6LRygH4QUfY/8W4RFwiT5i5WRgB0=");
  EXPECT_EQ(root.logs[0].public_key->Type(), KeyType::kP256);
  // Rekor 1 is named by its key.
  EXPECT_EQ(AsText(root.logs[0].public_key->Fingerprint().Bytes()), root.logs[0].id);
  EXPECT_EQ(root.logs[1].name, "log2025-1.rekor.sigstore.dev");
  EXPECT_EQ(root.logs[1].public_key->Type(), KeyType::kEd25519);
  EXPECT_EQ(root.logs[1].valid.start, 1758585600);  // 2025-09-23
  ASSERT_EQ(root.certificate_logs.size(), 2U);
  EXPECT_EQ(root.certificate_logs[0].valid.end, 1667260799);  // 2022-10-31T23:59:59.999Z
  ASSERT_EQ(root.timestamp_authorities.size(), 1U);
  EXPECT_EQ(root.timestamp_authorities[0].chain.size(), 2U);
}

TEST(TrustedRootVectors, KeyOfUnknownKindMakesOneLogUseless) {
  const auto root = ReadTrustedRoot("strange-log");
  ASSERT_TRUE(Ok(root));
  ASSERT_EQ(root->logs.size(), 3U);
  EXPECT_FALSE(root->logs[0].public_key.has_value());
  EXPECT_TRUE(root->logs[1].public_key.has_value());
}

TEST(TrustedRootVectors, PeriodsAreClosed) {
  const ValidityPeriod open{100}, closed{100, 200};
  EXPECT_FALSE(open.Has(99));
  EXPECT_TRUE(open.Has(100));
  EXPECT_TRUE(open.Has(INT64_MAX));
  EXPECT_TRUE(closed.Has(200));
  EXPECT_FALSE(closed.Has(201));
}

TEST(TrustedRootVectors, RefusesWhatIsBroken) {
  const struct {
    const char *from, *to, *reason;
  } kCases[] = {
      {"\"start\":\"2021-01-01T00:00:00Z\"", "\"end\":\"2021-01-01T00:00:00Z\"", "validFor.start"},
      {"2021-01-01T00:00:00Z", "2021-02-30T00:00:00Z", "is not a time in UTC"},
      {"2021-01-01T00:00:00Z", "2021-01-01T00:00:00+01:00", "is not a time in UTC"},
      {"\"keyId\":\"", "\"keyId\":\"AAAA", "keyId is not of 32 bytes"},
      {"\"rawBytes\":\"", "\"rawBytes\":\"AAAA", "cannot be read"},
      {"\"tlogs\":[", "\"tlogs\":[1,", "tlogs is not a list of objects"},
      {"\"certificates\":[", "\"certificates\":[{}, ", "rawBytes is not a text"},
      {"trustedroot+json;version=0.1", "trustedroot+json;version=9", "a trusted root of type"},
  };
  for (const auto& row : kCases) {
    SCOPED_TRACE(row.to);
    const auto root = ParseTrustedRoot(Changed(row.from, row.to), "root");
    ASSERT_FALSE(root.has_value());
    EXPECT_THAT(root.error().message, HasSubstr(row.reason));
  }
  EXPECT_FALSE(ParseTrustedRoot("{}", "root").has_value());
  EXPECT_FALSE(ParseTrustedRoot("[]", "root").has_value());
}

TEST(TrustedRootVectors, EmptyRootTrustsNobody) {
  const auto root =
      ParseTrustedRoot(R"({"mediaType":"application/vnd.dev.sigstore.trustedroot.v0.2+json"})", "");
  ASSERT_TRUE(Ok(root));
  EXPECT_TRUE(root->logs.empty() && root->certificate_authorities.empty());
}

}  // namespace
}  // namespace hallmark
