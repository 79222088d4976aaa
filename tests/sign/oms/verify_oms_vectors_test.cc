// Every bundle of tests/vectors/sign/oms: right, odd and hostile ones, those of old releases of
// model_signing, and those of the specification.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sign/oms/verify_oms.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

fs::path Folder() { return FixturePath("..") / "sign/oms"; }

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

PublicKey ReadKey(const fs::path& path) {
  auto key = PublicKey::FromPem(ReadAll(path), path.filename());
  EXPECT_TRUE(Ok(key));
  return *key;
}

std::string TextOf(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return std::string(value ? value->AsString().value_or("") : "");
}

std::vector<Authority> AuthoritiesOf(const std::string& name) {
  if (name.empty()) return {};
  auto chain = Certificate::FromPem(ReadAll(Folder() / "keys" / name), name);
  EXPECT_TRUE(Ok(chain));
  return {{name, *chain, {}}};
}

OmsPolicy PolicyOf(const JsonValue& value) {
  OmsCertificatePolicy certified;
  if (const std::string roots = TextOf(value, "roots"); !roots.empty()) {
    auto read = Certificate::FromPem(ReadAll(Folder() / "keys" / roots), roots);
    EXPECT_TRUE(Ok(read));
    certified.roots = *read;
    certified.rule.identity = TextOf(value, "identity");
    certified.rule.subject = TextOf(value, "subject");
    certified.timestamp_authorities = AuthoritiesOf(TextOf(value, "timestamps"));
    certified.rule.key = Digest::FromHex(Algorithm::kSha256, TextOf(value, "spki"));
  }
  OmsPolicy policy{certified};
  if (const std::string key = TextOf(value, "key"); !key.empty()) {
    policy.signer = ReadKey(Folder() / "keys" / key);
  }
  if (const auto time = value.Find("time")) {
    policy.now = static_cast<std::int64_t>(time->AsU64().value_or(0));
  }
  policy.accept_legacy = value.Find("legacy").has_value();
  return policy;
}

std::string_view CodeName(Errc code) {
  switch (code) {
    case Errc::kUsage:
      return "usage";
    case Errc::kMalformed:
      return "malformed";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kUntrusted:
      return "untrusted";
    default:
      return "another";
  }
}

TEST(OmsCases, AreToldAsExpected) {
  const auto document = JsonDocument::Parse(ReadAll(Folder() / "cases.json"), "cases.json");
  ASSERT_TRUE(Ok(document));
  std::size_t good = 0, bad = 0;
  for (const JsonValue& one : document->Root().Items()) {
    const std::string name = TextOf(one, "name");
    const std::string text = ReadAll(Folder() / "cases" / (name + ".sig"));
    const auto signed_by = VerifyOmsBundle(text, PolicyOf(*one.Find("policy")), "model.sig");
    const std::string expected = TextOf(one, "expect");
    if (expected == "ok") {
      EXPECT_TRUE(Ok(signed_by)) << name;
      ++good;
      continue;
    }
    ++bad;
    ASSERT_FALSE(signed_by) << name;
    EXPECT_EQ(CodeName(signed_by.error().code), expected)
        << name << ": " << signed_by.error().message;
    EXPECT_THAT(signed_by.error().message, testing::HasSubstr(TextOf(one, "reason"))) << name;
    EXPECT_EQ(signed_by.error().subject, "model.sig") << name;
  }
  EXPECT_GT(good, 50u);
  EXPECT_GT(bad, 190u);
}

constexpr std::int64_t kJune2026 = 1780272000;

OmsPolicy HistoricalPolicy(std::string_view method) {
  if (method == "elliptic-key") {
    return {ReadKey(Folder() / "historical/keys/signing-key-pub.pem")};
  }
  if (method == "sigstore") {
    const SignerIdentity signer{"stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2"};
    return {OmsKeylessPolicy{signer, &SigstorePublicRoot()}, kJune2026};
  }
  OmsCertificatePolicy certified;
  auto roots = Certificate::FromPem(ReadAll(Folder() / "historical/keys/ca-cert.pem"), "ca");
  EXPECT_TRUE(Ok(roots));
  certified.roots = *roots;
  certified.rule.subject = "CN=intermediate-ca";  // what its makers called the leaf
  return {certified, kJune2026};
}

struct Historical {
  std::string version, method;
  bool is_legacy;
};

class HistoricalBundle : public testing::TestWithParam<Historical> {};

// They hold for who signed them, and list the files that lie beside them.
TEST_P(HistoricalBundle, Verify) {
  const fs::path folder = Folder() / "historical" / (GetParam().version + "-" + GetParam().method);
  const std::string text = ReadAll(folder / "model.sig");
  OmsPolicy policy = HistoricalPolicy(GetParam().method);
  const auto strictly = VerifyOmsBundle(text, policy, "model.sig");
  EXPECT_EQ(strictly.has_value(), !GetParam().is_legacy);
  policy.accept_legacy = true;
  const auto result = VerifyOmsBundle(text, policy, "model.sig");
  ASSERT_TRUE(Ok(result));
  EXPECT_EQ(result->statement.is_legacy, GetParam().version == "v0.2.0");
  for (const OmsResource& resource : result->statement.resources) {
    const std::string path = resource.path.empty() ? "signme-1" : resource.path;
    EXPECT_EQ(HashBytes(Algorithm::kSha256, AsBytes(ReadAll(folder / path))), resource.digest)
        << path;
  }
  policy.signer = ReadKey(Folder() / "keys/other.pem");
  EXPECT_FALSE(VerifyOmsBundle(text, policy, "model.sig"));
}

INSTANTIATE_TEST_SUITE_P(
    All, HistoricalBundle,
    testing::Values(
        Historical{"v0.2.0", "certificate", true}, Historical{"v0.3.1", "certificate", false},
        Historical{"v0.3.1", "elliptic-key", true}, Historical{"v0.3.1", "sigstore", false},
        Historical{"v1.0.0", "certificate", false}, Historical{"v1.0.0", "elliptic-key", true},
        Historical{"v1.0.0", "sigstore", false}, Historical{"v1.0.1", "certificate", false},
        Historical{"v1.0.1", "elliptic-key", true}, Historical{"v1.0.1", "sigstore", false},
        Historical{"v1.1.0", "certificate", false}, Historical{"v1.1.0", "elliptic-key", false},
        Historical{"v1.1.0", "sigstore", false}),
    [](const auto& test) {
      std::string name = test.param.version + "_" + test.param.method;
      std::ranges::replace_if(
          name, [](char c) { return c == '.' || c == '-'; }, '_');
      return name;
    });

TEST(HistoricalBundles, KeylessOnesAreOfOneIdentity) {
  const std::string text = ReadAll(Folder() / "historical/v1.1.0-sigstore/model.sig");
  OmsPolicy policy = HistoricalPolicy("sigstore");
  const auto result = VerifyOmsBundle(text, policy, "model.sig");
  ASSERT_TRUE(Ok(result));
  EXPECT_EQ(result->signer, "stefanb@us.ibm.com");
  EXPECT_EQ(result->issuer, "https://sigstore.verify.ibm.com/oauth2");
  EXPECT_EQ(result->time, 1760062340);  // the log entry's integratedTime
  const auto refused = [&](SignerIdentity signer) {
    policy.signer = OmsKeylessPolicy{std::move(signer), &SigstorePublicRoot()};
    const auto other = VerifyOmsBundle(text, policy, "model.sig");
    return other ? "" : other.error().message;
  };
  EXPECT_THAT(refused({"stefanb@us.ibm.co", "https://sigstore.verify.ibm.com/oauth2"}),
              testing::HasSubstr("stefanb@us.ibm.com"));
  EXPECT_THAT(refused({"stefanb@us.ibm.com", "https://accounts.google.com"}),
              testing::HasSubstr("https://sigstore.verify.ibm.com/oauth2"));
}

// The specification's own: the valid ones are of the makers of the historical ones.
TEST(OmsSpecification, ValidBundlesVerify) {
  for (const auto& [name, method] :
       {std::pair("key", "elliptic-key"), std::pair("certificate", "certificate"),
        std::pair("sigstore", "sigstore")}) {
    const std::string text =
        ReadAll(Folder() / "spec/valid" / (std::string(name) + ".bundle.json"));
    EXPECT_TRUE(Ok(VerifyOmsBundle(text, HistoricalPolicy(method), name)));
  }
}

TEST(OmsSpecification, InvalidBundlesDoNot) {
  std::size_t seen = 0;
  for (const std::string folder : {"spec/invalid", "spec/invalid-payload"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(Folder() / folder)) {
      for (const std::string method : {"elliptic-key", "certificate", "sigstore"}) {
        OmsPolicy policy = HistoricalPolicy(method);
        policy.accept_legacy = true;
        EXPECT_FALSE(VerifyOmsBundle(ReadAll(entry.path()), policy, "x")) << entry.path();
      }
      ++seen;
    }
  }
  EXPECT_EQ(seen, 5u);
}

// Texts without white space, so that every bit says something.
TEST(OmsCases, NoFlippedBitVerifies) {
  struct Flipped {
    std::string name;
    OmsPolicy policy;
  };
  OmsCertificatePolicy certified;
  auto roots = Certificate::FromPem(ReadAll(Folder() / "keys/roots.pem"), "roots");
  ASSERT_TRUE(Ok(roots));
  certified.roots = *roots;
  certified.rule.identity = "models@example.org";
  for (const Flipped& flipped : {Flipped{"key-p256", {ReadKey(Folder() / "keys/p256.pem")}},
                                 Flipped{"certificate-email", {certified, kJune2026}}}) {
    std::string text = ReadAll(Folder() / "cases" / (flipped.name + ".sig"));
    ASSERT_TRUE(Ok(VerifyOmsBundle(text, flipped.policy, "x")));
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const int bit : {0, 5, static_cast<int>(at % 8)}) {
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
        ASSERT_FALSE(VerifyOmsBundle(text, flipped.policy, "x")) << flipped.name << " " << at;
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
      }
    }
  }
}

// Of a keyless bundle all bytes count but those of its timestamp: the log says when it was signed.
TEST(HistoricalBundles, OnlyTheTimestampCanBeAnother) {
  const OmsPolicy policy = HistoricalPolicy("sigstore");
  std::string text = ReadAll(Folder() / "historical/v1.1.0-sigstore/model.sig");
  const std::size_t begin = text.find("\"signedTimestamp\":\"") + 19;
  const std::size_t end = text.find('"', begin);
  ASSERT_LT(end, text.size());
  for (std::size_t at = 0; at < text.size(); at += 11) {
    text[at] = static_cast<char>(text[at] ^ (1 << (at % 8)));
    if (VerifyOmsBundle(text, policy, "x")) {
      ASSERT_TRUE(at >= begin && at < end) << at;
    }
    text[at] = static_cast<char>(text[at] ^ (1 << (at % 8)));
  }
}

}  // namespace
}  // namespace hallmark
