// Bundles of a small Sigstore of our own (tests/vectors/sign/sigstore/make.py), with what is to
// come out of each and why.
#include "sign/sigstore/verify_bundle.h"

#include <map>

#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "tests/sign/sigstore/sigstore_vectors.h"

namespace hallmark {
namespace {

struct Case {
  std::string name, bundle, root, artifact, outcome, reason, identity, issuer, key;
  std::int64_t now = 0;
};

std::vector<Case> ReadCases() {
  const auto document = JsonDocument::Parse(ReadSigstoreVector("cases.json"), "cases.json");
  const auto defaults = document ? document->Root().Find("defaults") : std::nullopt;
  const auto rows = document ? document->Root().Find("cases") : std::nullopt;
  std::vector<Case> cases;
  if (!defaults || !rows) return cases;
  for (const JsonValue& row : rows->Items()) {
    const auto value = [&](std::string_view key) {
      const auto own = row.Find(key);
      return own ? own : defaults->Find(key);
    };
    const auto text = [&](std::string_view key) {
      const auto found = value(key);
      return std::string(found ? found->AsString().value_or("") : "");
    };
    cases.push_back({text("name"), text("bundle"), text("root"), text("artifact"), text("outcome"),
                     text("reason"), text("identity"), text("issuer"), text("key"),
                     static_cast<std::int64_t>(value("now")->AsU64().value_or(0))});
  }
  return cases;
}

std::string OutcomeOf(Errc code) {
  static const std::map<Errc, std::string> kNames = {{Errc::kUsage, "usage"},
                                                     {Errc::kMalformed, "malformed"},
                                                     {Errc::kUnsupported, "unsupported"},
                                                     {Errc::kUntrusted, "untrusted"}};
  const auto name = kNames.find(code);
  return name == kNames.end() ? "other" : name->second;
}

Result<SigstorePolicy> PolicyOf(const Case& row) {
  if (row.key.empty()) return SigstorePolicy{SignerIdentity{row.identity, row.issuer}, row.now};
  PublicKey key =
      HM_TRY(PublicKey::FromPem(ReadSigstoreVector("keys/" + row.key + ".pem"), row.key));
  return SigstorePolicy{std::move(key), row.now};
}

Result<SigstoreVerified> VerifyCase(const Case& row) {
  const TrustedRoot root = HM_TRY(ReadTrustedRoot(row.root));
  const SigstorePolicy policy = HM_TRY(PolicyOf(row));
  const SigstoreBundle bundle = HM_TRY(ReadSigstoreBundle(row.bundle));
  return VerifyFileBundle(bundle, root, policy, [&](Algorithm algorithm) -> Result<Digest> {
    return HashBytes(algorithm, AsBytes(row.artifact));
  });
}

void ExpectVerified(const Case& row, const Result<SigstoreVerified>& verified) {
  ASSERT_TRUE(Ok(verified));
  EXPECT_FALSE(verified->entries.empty());
  EXPECT_EQ(verified->identity.has_value(), row.key.empty());
  if (verified->identity) {
    EXPECT_EQ(verified->identity->identity, row.identity);
    EXPECT_EQ(verified->identity->issuer, row.issuer);
    EXPECT_FALSE(verified->times.empty());
  }
}

TEST(SigstoreVectors, EachComesOutAsItShouldAndForItsReason) {
  const std::vector<Case> cases = ReadCases();
  EXPECT_GT(cases.size(), 100U);
  for (const Case& row : cases) {
    SCOPED_TRACE(row.name);
    const auto verified = VerifyCase(row);
    if (row.outcome == "verified") {
      ExpectVerified(row, verified);
      continue;
    }
    EXPECT_FALSE(verified.has_value());
    EXPECT_FALSE(row.reason.empty());
    if (verified) continue;
    EXPECT_EQ(OutcomeOf(verified.error().code), row.outcome);
    EXPECT_THAT(verified.error().message, testing::HasSubstr(row.reason));
  }
}

// A payload need not be a statement where the caller looks at it.
TEST(SigstoreVectors, EnvelopeIsVerifiedWithoutItsSubject) {
  for (const Case& row : ReadCases()) {
    if (row.name != "payload-is-no-statement" && row.name != "statement-of-other-file") continue;
    const auto root = ReadTrustedRoot("root");
    const auto bundle = ReadSigstoreBundle(row.bundle);
    const auto policy = PolicyOf(row);
    ASSERT_TRUE(Ok(root) && Ok(bundle) && Ok(policy));
    const auto verified = VerifyEnvelopeBundle(*bundle, *root, *policy);
    ASSERT_TRUE(Ok(verified));
    // Made at 2025-06-01T12:02:00Z, in the log of that name.
    ASSERT_EQ(verified->times.size(), 1U);
    EXPECT_EQ(verified->times[0].unix, 1748779320);
    EXPECT_EQ(verified->times[0].source, "rekor.example");
    ASSERT_EQ(verified->entries.size(), 1U);
    EXPECT_EQ(verified->entries[0].index, 1000U);
  }
}

TEST(SigstoreVectors, FileSignatureIsNoEnvelope) {
  const auto root = ReadTrustedRoot("root");
  const auto bundle = ReadSigstoreBundle("v0.3");
  ASSERT_TRUE(Ok(root) && Ok(bundle));
  const SigstorePolicy policy = {
      SignerIdentity{"https://builds.example/release@main", "https://accounts.example"},
      1767225600};
  const auto verified = VerifyEnvelopeBundle(*bundle, *root, policy);
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().code, Errc::kUntrusted);
}

}  // namespace
}  // namespace hallmark
