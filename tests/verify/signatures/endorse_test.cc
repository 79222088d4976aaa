#include "verify/signatures/endorse.h"

#include "sign/sigstore/dsse.h"
#include "src/base/base64.h"
#include "src/hash/hasher.h"
#include "tests/support/signing.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using ::testing::HasSubstr;
constexpr std::uint64_t kNow = 1'800'000'000;
constexpr std::string_view kSlsa =
    R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",)"
    R"("subject":[{"name":"a.bin","digest":{"sha256":)"
    R"("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}],)"
    R"("predicate":{"buildDefinition":{"buildType":"https://example.org/make"},)"
    R"("runDetails":{"builder":{"id":"https://example.org/builder"}}}})";

std::string Envelope(std::string_view payload, unsigned char fill) {
  const auto signature =
      TestSigner(fill)->Sign(AsBytes(DssePreAuthEncoding(kInTotoPayloadType, payload)));
  HM_CHECK(signature.has_value());
  return R"({"payloadType":"application/vnd.in-toto+json","payload":")" +
         ToBase64(std::string(payload)) + R"(","signatures":[{"sig":")" + ToBase64(*signature) +
         R"("}]})";
}

Result<Source> Endorsed(const std::string& text, const SignatureRules& rules) {
  std::vector<Source> sources;
  sources.push_back(HM_TRY(ParseSource(text, "list")));
  HM_TRY(EndorseAll(rules, sources));
  return std::move(sources.front());
}

TEST(Endorse, AnEnvelopeBySomebodyNamed) {
  const std::string text = Envelope(kSlsa, 1);
  SignatureRules rules{.keys = {TestKey(1)}, .required = true, .now = kNow};
  const auto good = Endorsed(text, rules);
  ASSERT_TRUE(Ok(good));
  ASSERT_EQ(good->endorsements.size(), 1u);
  EXPECT_EQ(good->endorsements[0].signer, "key-1");
  rules.builders = {"https://example.org/builder"};
  EXPECT_TRUE(Ok(Endorsed(text, rules)));
  rules.builders = {"https://example.org/another"};
  const auto other = Endorsed(text, rules);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kUntrusted);
  EXPECT_THAT(other.error().message, HasSubstr("built by"));
}

TEST(Endorse, AnEnvelopeByOthersIsRefusedWhereOneIsAskedFor) {
  const std::string text = Envelope(kSlsa, 2);
  SignatureRules rules{.keys = {TestKey(1)}, .required = true, .now = kNow};
  EXPECT_EQ(Endorsed(text, rules).error().code, Errc::kUntrusted);
  rules.required = false;
  const auto source = Endorsed(text, rules);
  ASSERT_TRUE(Ok(source));
  EXPECT_TRUE(source->endorsements.empty());
  std::string changed(kSlsa);
  changed.replace(changed.find("2cf2"), 4, "2cf3");
  std::string forged = Envelope(kSlsa, 1);
  const std::string own = ToBase64(std::string(kSlsa));
  forged.replace(forged.find(own), own.size(), ToBase64(changed));
  rules.required = true;
  EXPECT_EQ(Endorsed(forged, rules).error().code, Errc::kUntrusted);
}

// Where a root asks for two keys, a list that one of them signed by itself is no word of theirs.
TEST(Endorse, KeysOfARootThatAsksForSeveralSignNoListsAlone) {
  const TemporaryFolder folder;
  SignatureRules rules{.store = TrustStore(folder.Path() / "trust"), .required = true, .now = kNow};
  const SignedRoot root = TestRoot("a/b", 1, 2, {1, 2}, {1, 2});
  ASSERT_TRUE(Ok(rules.store.Change(
      "a/b", [&](OriginTrust& trust) { return trust.SetRoot(root, "pinned", kNow); })));
  EXPECT_EQ(Endorsed(Envelope(kSlsa, 1), rules).error().code, Errc::kUntrusted);
  rules.store = TrustStore(folder.Path() / "another");
  ASSERT_TRUE(Ok(rules.store.Change(
      "a/b", [&](OriginTrust& trust) { return trust.AddKey(TestKey(1), kNow); })));
  EXPECT_TRUE(Ok(Endorsed(Envelope(kSlsa, 1), rules)));
  rules.origin = "a/c";
  EXPECT_EQ(Endorsed(Envelope(kSlsa, 1), rules).error().code, Errc::kUntrusted);
}

// Somebody trusted said something of these files: that they failed a test.
TEST(Endorse, StatementsOfOtherKindsVouchForNothing) {
  std::string payload(kSlsa);
  const std::string_view type = "https://slsa.dev/provenance/v1";
  payload.replace(payload.find(type), type.size(),
                  "https://in-toto.io/attestation/test-result/v0.1");
  SignatureRules rules{.keys = {TestKey(1)}, .required = true, .now = kNow};
  const auto source = Endorsed(Envelope(payload, 1), rules);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("does not say that files are what they should be"));
}

TEST(Endorse, ABuilderMustBeSaid) {
  SignatureRules rules{.builders = {"https://example.org/builder"}, .now = kNow};
  const auto source =
      Endorsed("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.bin\n", rules);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("does not say who built"));
}

TEST(Endorse, WhatIsNoListCannotBeSigned) {
  std::vector<Source> sources(1);
  SignatureRules rules{.required = true, .now = kNow};
  const auto endorsed = EndorseAll(rules, sources);
  ASSERT_FALSE(endorsed);
  EXPECT_EQ(endorsed.error().code, Errc::kUntrusted);
  rules.files = {"a", "b"};
  EXPECT_EQ(EndorseAll(rules, sources).error().code, Errc::kUsage);
}

}  // namespace
}  // namespace hallmark
