// The client's memory against the eleven threats that The Update Framework lists (TUF 1.0, section
// 1.5.2), as far as they are about statements; the others are named where they are tested.
#include "sign/trust/origin_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/base64.h"
#include "src/hash/hasher.h"
#include "tests/support/signing.h"

namespace hallmark {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kNow = 1'800'000'000;
constexpr std::uint64_t kDay = 24 * 60 * 60;
const std::string kOrigin = "my-org/my-model";

Digest DigestOf(std::string_view text) { return HashBytes(Algorithm::kSha256, AsBytes(text)); }

StatementText Statement(std::uint64_t version, std::string_view content = "a release",
                        std::optional<std::uint64_t> expires = kNow + 100 * kDay) {
  return {.kind = "manifest",
          .sha256 = DigestOf(content),
          .origin = kOrigin,
          .version = version,
          .issued = kNow - kDay,
          .expires = expires};
}

SignedStatement Signed(const StatementText& statement, const std::vector<unsigned char>& keys) {
  auto parsed = ParseSignedStatement(SignedNoteText(statement, keys), "sig");
  HM_CHECK(parsed.has_value());
  return *std::move(parsed);
}

OriginTrust TrustIn(const SignedRoot& root) {
  OriginTrust trust(kOrigin);
  HM_CHECK(trust.SetRoot(root, "pinned", kNow).has_value());
  return trust;
}

OriginTrust TwoOfThree() { return TrustIn(TestRoot(kOrigin, 1, 2, {1, 2, 3}, {1, 2})); }

OriginTrust OneKey() {
  OriginTrust trust(kOrigin);
  HM_CHECK(trust.AddKey(TestKey(1), kNow).has_value());
  return trust;
}

Result<Acceptance> Judge(const OriginTrust& trust, const SignedStatement& statement,
                         const TrustRules& rules = {}, std::uint64_t now = kNow) {
  return trust.Judge(statement, {}, rules, now, "sig");
}

void Accept(OriginTrust& trust, const SignedStatement& statement, std::uint64_t now = kNow) {
  const auto acceptance = Judge(trust, statement, {}, now);
  ASSERT_TRUE(acceptance) << acceptance.error().message;
  trust.Record(*acceptance, now);
}

void ExpectRefused(const Result<Acceptance>& acceptance, std::string_view reason) {
  ASSERT_FALSE(acceptance) << reason;
  EXPECT_EQ(acceptance.error().code, Errc::kUntrusted);
  EXPECT_THAT(acceptance.error().message, HasSubstr(std::string(reason)));
}

TEST(OriginTrust, AcceptsWhatEnoughKeysSigned) {
  const auto acceptance = Judge(TwoOfThree(), Signed(Statement(1), {3, 1}));
  ASSERT_TRUE(acceptance) << acceptance.error().message;
  EXPECT_THAT(acceptance->signers, testing::ElementsAre("key-1", "key-3"));
  EXPECT_TRUE(acceptance->findings.empty());
}

// 1: arbitrary software.
TEST(OriginTrust, RefusesWhatNobodyTrustedSigned) {
  ExpectRefused(Judge(OneKey(), Signed(Statement(1), {9})), "signed by 0 of the keys");
  SignedStatement forged = Signed(Statement(1), {1});
  forged.note.text = WriteStatementText(Statement(1, "another release"));
  forged.statement = Statement(1, "another release");
  ExpectRefused(Judge(OneKey(), forged), "does not hold");
}

// 2, endless data, and 9, slow retrieval, are about downloads; a signature file is at most 64 kB:
// Note.RefusesTextsThatAreNoNotes. 3, extraneous dependencies, and 7, mix and match: one manifest
// is all that a copy is held against, see tests/cli/sign_test.sh.

// 4: fast-forward. A thief signs the highest version there is; the next root begins anew.
TEST(OriginTrust, AFastForwardEndsWithTheStolenKey) {
  OriginTrust trust = TrustIn(TestRoot(kOrigin, 1, 1, {1}, {1}));
  Accept(trust, Signed(Statement(UINT64_MAX, "the thief's"), {1}));
  ExpectRefused(Judge(trust, Signed(Statement(4), {1})), "older");
  ASSERT_TRUE(trust.Rotate({TestRoot(kOrigin, 2, 1, {2}, {1, 2})}, kNow));
  Accept(trust, Signed(Statement(4), {2}));
  ExpectRefused(Judge(trust, Signed(Statement(UINT64_MAX, "the thief's"), {1})), "signed by 0");
}

// 5: indefinite freeze.
TEST(OriginTrust, RefusesWhatIsExpired) {
  const OriginTrust trust = OneKey();
  ExpectRefused(Judge(trust, Signed(Statement(1, "a", kNow), {1})), "expired");
  EXPECT_TRUE(Judge(trust, Signed(Statement(1, "a", kNow + 1), {1})));
  OriginTrust rooted = TrustIn(TestRoot(kOrigin, 1, 1, {1}, {1}, kNow + kDay));
  ExpectRefused(Judge(rooted, Signed(Statement(1), {1}), {}, kNow + kDay), "the root");
}

TEST(OriginTrust, WhatWasAcceptedStaysRightAtRest) {
  OriginTrust trust = OneKey();
  const SignedStatement statement = Signed(Statement(1), {1});
  const std::uint64_t later = kNow + 200 * kDay;
  ExpectRefused(Judge(trust, statement, {.at_rest = true}, later), "expired");  // never seen
  Accept(trust, statement);
  ExpectRefused(Judge(trust, statement, {}, later), "expired");
  const auto acceptance = Judge(trust, statement, {.at_rest = true}, later);
  ASSERT_TRUE(acceptance) << acceptance.error().message;
  ASSERT_EQ(acceptance->findings.size(), 1u);
  EXPECT_EQ(acceptance->findings[0].code, "expired-statement");
}

// 6: malicious mirrors prevent updates: what a mirror serves is only ever an older statement or
// none, so this is 5 and 8.

// 8: rollback.
TEST(OriginTrust, RefusesOlderVersions) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(1, "first"), {1}));
  Accept(trust, Signed(Statement(5, "fifth"), {1}));
  ExpectRefused(Judge(trust, Signed(Statement(4, "fourth"), {1})), "older than version 5");
  ExpectRefused(Judge(trust, Signed(Statement(1, "first"), {1})), "older than version 5");
  EXPECT_TRUE(Judge(trust, Signed(Statement(5, "fifth"), {1})));
  const auto at_rest = Judge(trust, Signed(Statement(1, "first"), {1}), {.at_rest = true});
  ASSERT_TRUE(at_rest) << at_rest.error().message;
  EXPECT_EQ(at_rest->findings[0].code, "superseded-statement");
  ExpectRefused(Judge(trust, Signed(Statement(4, "fourth"), {1}), {.at_rest = true}), "older");
}

TEST(OriginTrust, ARollbackThatIsAllowedIsRemembered) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(5), {1}));
  const auto acceptance =
      Judge(trust, Signed(Statement(4, "fourth"), {1}), {.allow_rollback = "5 is broken"});
  ASSERT_TRUE(acceptance);
  trust.Record(*acceptance, kNow);
  EXPECT_TRUE(std::ranges::any_of(trust.Events(), [](const TrustEvent& event) {
    return event.what == "rollback-allowed" &&
           event.detail.find("5 is broken") != std::string::npos;
  }));
  // It is no new ratchet.
  ExpectRefused(Judge(trust, Signed(Statement(4, "fourth"), {1})), "older");
}

TEST(OriginTrust, AStatementWithoutAVersionIsOlderThanAnyWithOne) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(0, "one"), {1}));
  Accept(trust, Signed(Statement(0, "another"), {1}));
  Accept(trust, Signed(Statement(1), {1}));
  ExpectRefused(Judge(trust, Signed(Statement(0, "one"), {1})), "older");
}

// A split view: the same version says different things to different people.
TEST(OriginTrust, NoticesTwoStatementsOfOneVersion) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(2, "for them"), {1}));
  Accept(trust, Signed(Statement(3, "third"), {1}));
  ExpectRefused(Judge(trust, Signed(Statement(3, "for us"), {1})), "two statements of version 3");
  ExpectRefused(Judge(trust, Signed(Statement(2, "for us"), {1}), {.allow_rollback = "x"}),
                "two statements of version 2");
}

TEST(OriginTrust, NoticesAFork) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(1, "first"), {1}));
  const SignedStatement second = Signed(Statement(2, "second"), {1});
  EXPECT_TRUE(trust.Judge(second, {.previous = DigestOf("first")}, {}, kNow, "sig"));
  ExpectRefused(trust.Judge(second, {.previous = DigestOf("another first")}, {}, kNow, "sig"),
                "follows");
}

TEST(OriginTrust, KindsAreCountedApart) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(5), {1}));
  StatementText receipt = Statement(1, "a receipt");
  receipt.kind = "receipt";
  EXPECT_TRUE(Judge(trust, Signed(receipt, {1})));
}

// 10: key compromise.
TEST(OriginTrust, OneStolenKeyIsNotEnough) {
  ExpectRefused(Judge(TwoOfThree(), Signed(Statement(1), {1})), "signed by 1");
  // Nor twice the same.
  ExpectRefused(Judge(TwoOfThree(), Signed(Statement(1), {1, 1})), "signed by 1");
}

TEST(OriginTrust, ARevokedKeyDoesNotCount) {
  OriginTrust trust = TwoOfThree();
  ASSERT_TRUE(trust.Revoke("key-1", "stolen", kNow));
  ExpectRefused(Judge(trust, Signed(Statement(1), {1, 2})), "revoked: key-1");
  EXPECT_TRUE(Judge(trust, Signed(Statement(1), {2, 3})));
  EXPECT_EQ(trust.Keys().size(), 2u);
  const auto unknown = trust.Revoke("key-9", "", kNow);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kNotFound);
  // Nor does it come back by the next root.
  ASSERT_TRUE(trust.Rotate({TestRoot(kOrigin, 2, 1, {1, 2}, {2, 3})}, kNow));
  ExpectRefused(Judge(trust, Signed(Statement(1), {1})), "revoked: key-1");
}

// Whoever stole it could name keys of their own.
TEST(OriginTrust, ARevokedKeySignsNoRoots) {
  OriginTrust trust = TrustIn(TestRoot(kOrigin, 1, 1, {1, 2}, {1}));
  ASSERT_TRUE(trust.Revoke("key-1", "stolen", kNow));
  EXPECT_FALSE(trust.Rotate({TestRoot(kOrigin, 2, 1, {9}, {1, 9})}, kNow));
  EXPECT_FALSE(trust.Rotate({TestRoot(kOrigin, 2, 1, {1, 2}, {1})}, kNow));
  EXPECT_TRUE(trust.Rotate({TestRoot(kOrigin, 2, 1, {9}, {2, 9})}, kNow));
}

// However many statements follow, the newest version is not forgotten.
TEST(OriginTrust, TheRatchetIsNotFlooded) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(7, "seventh"), {1}));
  for (int i = 0; i < 4200; ++i) {
    trust.Record(
        {.signers = {"key-1"}, .statement = {"receipt", 0, DigestOf(std::to_string(i)), 0, kNow}},
        kNow);
  }
  EXPECT_LE(trust.Accepted().size(), 4096u);
  EXPECT_LE(trust.Events().size(), 1000u);
  ExpectRefused(Judge(trust, Signed(Statement(3), {1})), "older than version 7");
}

TEST(OriginTrust, ARootUnseenDoesNotReplaceKeys) {
  OriginTrust trust = OneKey();
  const SignedRoot root = TestRoot(kOrigin, 1, 1, {9}, {9});
  EXPECT_EQ(trust.SetRoot(root, "first-use", kNow).error().code, Errc::kUsage);
  EXPECT_TRUE(trust.SetRoot(root, "pinned", kNow));
}

TEST(OriginTrust, ARevokedKeyIsNotAddedAgain) {
  OriginTrust trust = OneKey();
  ASSERT_TRUE(trust.Revoke(TestKey(1).key.Fingerprint().ToString(), "", kNow));
  const auto added = trust.AddKey(TestKey(1), kNow);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::kUntrusted);
}

// 11: wrong software.
TEST(OriginTrust, RefusesTheStatementsOfOthers) {
  StatementText other = Statement(1);
  other.origin = "my-org/another-model";
  ExpectRefused(Judge(OneKey(), Signed(other, {1})), "not of my-org/my-model");
  other.origin = "";
  ExpectRefused(Judge(OneKey(), Signed(other, {1})), "no origin");
}

TEST(OriginTrust, RefusesTheFuture) {
  StatementText statement = Statement(1);
  statement.issued = kNow + 2 * kDay;
  ExpectRefused(Judge(OneKey(), Signed(statement, {1})), "future");
  statement.issued = kNow + kDay;  // clocks differ
  EXPECT_TRUE(Judge(OneKey(), Signed(statement, {1})));
}

// A clock that is put back does not make what is expired fresh again.
TEST(OriginTrust, TimeDoesNotGoBack) {
  OriginTrust trust = OneKey();
  Accept(trust, Signed(Statement(1), {1}), kNow + 90 * kDay);
  const SignedStatement stale = Signed(Statement(2, "b", kNow + 50 * kDay), {1});
  ExpectRefused(Judge(trust, stale, {}, kNow), "expired");
  const auto acceptance = Judge(trust, Signed(Statement(2, "b"), {1}), {}, kNow);
  ASSERT_TRUE(acceptance);
  ASSERT_EQ(acceptance->findings.size(), 1u);
  EXPECT_EQ(acceptance->findings[0].code, "clock-went-back");
}

TEST(OriginTrust, RotationIsSignedByOldAndNew) {
  const auto rotated = [](const SignedRoot& next) {
    OriginTrust trust = TwoOfThree();
    return trust.Rotate({next}, kNow);
  };
  EXPECT_TRUE(rotated(TestRoot(kOrigin, 2, 2, {4, 5}, {1, 3, 4, 5})));
  for (const auto& [root, why] : {
           std::pair(TestRoot(kOrigin, 2, 2, {4, 5}, {1, 4, 5}), "one of the old"),
           std::pair(TestRoot(kOrigin, 3, 1, {4}, {1, 2, 4}), "a version left out"),
           std::pair(TestRoot(kOrigin, 1, 1, {4}, {1, 2, 4}), "the same version"),
           std::pair(TestRoot("my-org/other", 2, 1, {4}, {1, 2, 4}), "another origin"),
           std::pair(TestRoot(kOrigin, 2, 1, {4}, {1, 2, 4}, kNow), "expired"),
       }) {
    const auto result = rotated(root);
    ASSERT_FALSE(result) << why;
    EXPECT_EQ(result.error().code, Errc::kUntrusted) << why;
  }
}

// The chain is walked one by one; only the last has to be fresh, and all or none are taken.
TEST(OriginTrust, WalksOldRoots) {
  OriginTrust trust = TwoOfThree();
  const SignedRoot second = TestRoot(kOrigin, 2, 1, {4}, {1, 2, 4}, kNow - kDay);
  const SignedRoot third = TestRoot(kOrigin, 3, 1, {5}, {4, 5}, kNow + kDay);
  const SignedRoot wrong_third = TestRoot(kOrigin, 3, 1, {5}, {1, 2, 5}, kNow + kDay);
  EXPECT_FALSE(trust.Rotate({second, wrong_third}, kNow));
  EXPECT_EQ(trust.Root().version, 1u);
  EXPECT_FALSE(trust.Rotate({third}, kNow));
  ASSERT_TRUE(trust.Rotate({second, third}, kNow));
  EXPECT_EQ(trust.Root().version, 3u);
  EXPECT_EQ(trust.RootDigest(), third.sha256);
}

TEST(OriginTrust, TheFirstRootIsNotReplaced) {
  OriginTrust trust = TwoOfThree();
  const auto again = trust.SetRoot(TestRoot(kOrigin, 1, 1, {9}, {9}), "first-use", kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kUsage);
  EXPECT_FALSE(trust.AddKey(TestKey(9), kNow));
  EXPECT_FALSE(
      OriginTrust(kOrigin).SetRoot(TestRoot(kOrigin, 1, 1, {9}, {9}, kNow), "pinned", kNow));
  EXPECT_FALSE(
      OriginTrust("other/model").SetRoot(TestRoot(kOrigin, 1, 1, {9}, {9}), "pinned", kNow));
}

TEST(OriginTrust, WitnessesMustHaveSeenIt) {
  SignedRoot root = TestRoot(kOrigin, 1, 1, {1}, {1});
  root.root.witnesses.push_back({TestKey(8), NoteKind::kCosignature});
  root.root.witness_threshold = 1;
  const OriginTrust trust = TrustIn(root);
  SignedStatement statement = Signed(Statement(1), {1});
  ExpectRefused(Judge(trust, statement), "cosigned by 0 of 1");
  const auto cosign = [&](std::uint64_t time) {
    const std::string text =
        "cosignature/v1\ntime " + std::to_string(time) + "\n" + statement.note.text;
    std::string bytes(8, '\0');
    StoreBig(reinterpret_cast<std::byte*>(bytes.data()), time);
    bytes += *TestSigner(8)->Sign(AsBytes(text));
    const PublicKey key = TestSigner(8)->Public();
    SignedStatement cosigned = statement;
    cosigned.note.signatures.push_back(
        {"key-8", NoteKeyIdOf("key-8", key, NoteKind::kCosignature), bytes});
    return cosigned;
  };
  const auto acceptance = Judge(trust, cosign(kNow));
  ASSERT_TRUE(acceptance) << acceptance.error().message;
  EXPECT_EQ(acceptance->witnesses, 1u);
  ExpectRefused(Judge(trust, cosign(kNow + 2 * kDay)), "future");
  SignedStatement broken = cosign(kNow);
  broken.note.signatures.back().signature[0] ^= 1;
  ExpectRefused(Judge(trust, broken), "cosignature");
}

// The tree of RFC 6962, 2.1: leaves are hashed behind a 0, nodes behind a 1.
std::string HashOf(const std::string& text) {
  return std::string(AsText(HashBytes(Algorithm::kSha256, AsBytes(text)).Bytes()));
}

TEST(OriginTrust, AProofMustLeadToTheLog) {
  SignedRoot root = TestRoot(kOrigin, 1, 1, {1}, {1});
  root.root.witnesses.push_back({TestKey(8), NoteKind::kCosignature});
  root.root.witness_threshold = 1;
  root.root.logs.push_back({{"log.example/x", TestSigner(7)->Public()}, NoteKind::kEd25519});
  const OriginTrust trust = TrustIn(root);
  const SignedStatement statement = Signed(Statement(1), {1});
  const std::string first = HashOf(std::string(1, '\0') + "another entry");
  const std::string second = HashOf(std::string(1, '\0') + statement.note.text);
  SignedNote checkpoint{"log.example/x\n2\n" + ToBase64(HashOf("\x01" + first + second)) + "\n",
                        {}};
  checkpoint.signatures.push_back(*SignNote(checkpoint, "log.example/x", *TestSigner(7)));
  const std::string cosigned =
      "cosignature/v1\ntime " + std::to_string(kNow) + "\n" + checkpoint.text;
  std::string bytes(8, '\0');
  StoreBig(reinterpret_cast<std::byte*>(bytes.data()), kNow);
  bytes += *TestSigner(8)->Sign(AsBytes(cosigned));
  checkpoint.signatures.push_back(
      {"key-8", NoteKeyIdOf("key-8", TestKey(8).key, NoteKind::kCosignature), bytes});
  const std::string text = "c2sp.org/tlog-proof@v1\nextra YQ==\nindex 1\n" + ToBase64(first) +
                           "\n\n" + WriteSignedNote(checkpoint);
  const auto judge = [&](const std::string& proof) {
    auto parsed = ParseTlogProof(proof, "proof");
    return parsed ? trust.Judge(statement, {.proof = *parsed}, {}, kNow, "sig")
                  : Result<Acceptance>(std::move(parsed).error());
  };
  const auto acceptance = judge(text);
  ASSERT_TRUE(acceptance) << acceptance.error().message;
  EXPECT_EQ(acceptance->witnesses, 1u);
  ExpectRefused(Judge(trust, statement), "cosigned by 0");
  for (std::size_t i = text.find("index"); i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(judge(changed)) << i;
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(judge(text.substr(0, size))) << size;
  }
  // A root that names no log believes none.
  const OriginTrust without = TrustIn(TestRoot(kOrigin, 1, 1, {1}, {1}));
  ExpectRefused(
      without.Judge(statement, {.proof = *ParseTlogProof(text, "proof")}, {}, kNow, "sig"),
      "names no log");
}

TEST(OriginTrust, IsKeptWhole) {
  OriginTrust trust = TwoOfThree();
  Accept(trust, Signed(Statement(UINT64_MAX - 1), {1, 2}));
  ASSERT_TRUE(trust.Revoke("key-3", "lost", kNow));
  const std::string text = trust.Write();
  const auto read = OriginTrust::Parse(text, "file");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->Write(), text);
  ExpectRefused(Judge(*read, Signed(Statement(5), {1, 2})), "older");
  EXPECT_EQ(read->Keys().size(), 2u);

  OriginTrust keys = OneKey();
  const auto again = OriginTrust::Parse(keys.Write(), "file");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(Judge(*again, Signed(Statement(1), {1})));
}

TEST(OriginTrust, AChangedFileIsNoMemory) {
  OriginTrust trust = TwoOfThree();
  Accept(trust, Signed(Statement(7), {1, 2}));
  const std::string text = trust.Write();
  for (std::size_t size = 0; size + 2 < text.size(); size += 7) {
    EXPECT_FALSE(OriginTrust::Parse(text.substr(0, size), "file")) << size;
  }
  // The root inside is checked again.
  std::string changed = text;
  const std::size_t at = changed.find("\\\"threshold\\\":2");
  ASSERT_NE(at, std::string::npos);
  changed.replace(at, 15, "\\\"threshold\\\":1");
  EXPECT_FALSE(OriginTrust::Parse(changed, "file"));
}

}  // namespace
}  // namespace hallmark
