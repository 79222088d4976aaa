// What openssl x509 says of the same certificates.
#include "sign/sigstore/certificate.h"

#include "sign/keys/pem.h"
#include "tests/sign/sigstore/sigstore_vectors.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kBegin = 1748779200, kEnd = 1748779800;  // 2025-06-01, 12:00 to 12:10

TEST(CertificateVectors, ReadsSigstoresAuthorities) {
  const TrustedRoot& root = SigstorePublicRoot();
  ASSERT_EQ(root.certificate_authorities.size(), 2U);
  const Certificate& intermediate = root.certificate_authorities[1].chain[0];
  EXPECT_EQ(intermediate.SubjectName(), "CN=sigstore-intermediate,O=sigstore.dev");
  EXPECT_EQ(intermediate.NotBefore(), 1649880375);
  EXPECT_EQ(intermediate.NotAfter(), 1948975018);
  EXPECT_TRUE(intermediate.IsAuthority());
  EXPECT_FALSE(intermediate.IsSelfIssued());
  EXPECT_FALSE(intermediate.MaySign());
  EXPECT_TRUE(intermediate.HasCodeSigning());
  EXPECT_FALSE(intermediate.OidcIssuer().has_value());
  EXPECT_THAT(intermediate.Identities(), IsEmpty());
  const auto key = intermediate.Key();
  ASSERT_TRUE(Ok(key));
  EXPECT_EQ(key->Fingerprint().Hex(),
            "c355ee53d69e68aade04e5c6cc202cfac11fbcaa67e9a2ba7a64ced2aec8ccd0");
  const Certificate& top = root.certificate_authorities[1].chain[1];
  EXPECT_TRUE(top.IsSelfIssued());
  EXPECT_FALSE(top.HasCodeSigning());
}

TEST(CertificateVectors, ReadsASignersCertificate) {
  const auto leaf = ReadSigstoreLeaf("v0.2");
  ASSERT_TRUE(Ok(leaf));
  EXPECT_EQ(leaf->SubjectName(), "");
  EXPECT_THAT(leaf->Identities(), ElementsAre("https://builds.example/release@main"));
  EXPECT_EQ(leaf->OidcIssuer(), "https://accounts.example");
  EXPECT_EQ(leaf->NotBefore(), kBegin);
  EXPECT_EQ(leaf->NotAfter(), kEnd);
  EXPECT_FALSE(leaf->IsAuthority());
  EXPECT_TRUE(leaf->MaySign());
  const auto other = ReadSigstoreLeaf("email-and-old-issuer");
  ASSERT_TRUE(Ok(other));
  EXPECT_THAT(other->Identities(), ElementsAre("somebody@example.org"));
  EXPECT_EQ(other->OidcIssuer(), "https://accounts.example");
}

TEST(CertificateVectors, MayNotSignWithAnotherPurpose) {
  const auto leaf = ReadSigstoreLeaf("leaf-not-for-code");
  ASSERT_TRUE(Ok(leaf));
  EXPECT_FALSE(leaf->MaySign());
}

TEST(CertificateVectors, ReadsPem) {
  const auto leaf = ReadSigstoreLeaf("v0.2");
  ASSERT_TRUE(Ok(leaf));
  const std::string pem = WritePem("CERTIFICATE", leaf->Der());
  const auto two = Certificate::FromPem(pem + WritePem("PUBLIC KEY", "x") + pem, "chain");
  ASSERT_TRUE(Ok(two));
  ASSERT_EQ(two->size(), 2U);
  EXPECT_EQ(two->at(1).Der(), leaf->Der());
  EXPECT_FALSE(Certificate::FromPem("", "chain").has_value());
  EXPECT_FALSE(Certificate::FromPem(WritePem("CERTIFICATE", "x"), "chain").has_value());
}

TEST(CertificateVectors, RefusesBytesBehindIt) {
  const auto leaf = ReadSigstoreLeaf("v0.2");
  ASSERT_TRUE(Ok(leaf));
  const std::string der = leaf->Der();
  for (const std::string& broken : {der + "x", der.substr(0, der.size() - 1), std::string()}) {
    const auto certificate = Certificate::FromDer(AsBytes(broken), "leaf");
    ASSERT_FALSE(certificate.has_value());
    EXPECT_EQ(certificate.error().code, Errc::kMalformed);
  }
}

class ChainTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Ok(leaf_) && Ok(root_));
    authority_ = root_->certificate_authorities[0];
  }
  Result<std::vector<Certificate>> Build(std::int64_t time) const {
    return BuildChain(*leaf_, authority_.Intermediates(), authority_.Root(), time);
  }
  Result<Certificate> leaf_ = ReadSigstoreLeaf("v0.2");
  Result<TrustedRoot> root_ = ReadTrustedRoot("root");
  Authority authority_;
};

TEST_F(ChainTest, GoesFromTheLeafToTheRoot) {
  const auto chain = Build(kBegin + 60);
  ASSERT_TRUE(Ok(chain));
  ASSERT_EQ(chain->size(), 3U);
  EXPECT_EQ(chain->at(0).Der(), leaf_->Der());
  EXPECT_EQ(chain->at(2).Der(), authority_.chain[1].Der());
}

TEST_F(ChainTest, HoldsAtItsTimeAndAtNoOther) {
  EXPECT_TRUE(Ok(Build(kBegin)));
  EXPECT_TRUE(Ok(Build(kEnd - 1)));
  const auto before = Build(kBegin - 1), after = Build(kEnd + 1);
  ASSERT_FALSE(before.has_value());
  EXPECT_EQ(before.error().code, Errc::kUntrusted);
  EXPECT_THAT(before.error().message, HasSubstr("not yet valid"));
  ASSERT_FALSE(after.has_value());
  EXPECT_THAT(after.error().message, HasSubstr("expired"));
}

TEST_F(ChainTest, IntermediatesAreNotTrusted) {
  const auto chain = BuildChain(*leaf_, authority_.chain, {}, kBegin);
  ASSERT_FALSE(chain.has_value());
  EXPECT_EQ(chain.error().code, Errc::kUntrusted);
}

TEST_F(ChainTest, RootsNeedNotBeSelfSigned) {
  const auto chain = BuildChain(*leaf_, {}, {authority_.chain.data(), 1}, kBegin);
  ASSERT_TRUE(Ok(chain));
  EXPECT_EQ(chain->size(), 2U);
  const auto itself = BuildChain(*leaf_, {}, {&*leaf_, 1}, kBegin);
  ASSERT_TRUE(Ok(itself));
  EXPECT_EQ(itself->size(), 1U);
}

TEST_F(ChainTest, LeafIssuesNothing) {
  // A chain in which the signer's certificate would be an authority.
  const auto chain = BuildChain(authority_.chain[0], {&*leaf_, 1}, {}, kBegin);
  EXPECT_FALSE(chain.has_value());
}

}  // namespace
}  // namespace hallmark
