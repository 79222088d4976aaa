// Keys and signatures over `message` that OpenSSL made (openssl genpkey, ecparam, dgst -sign).
#include <string>

#include "sign/keys/pem.h"
#include "sign/keys/public_key.h"
#include "src/hash/hasher.h"
#include "src/io/file.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string ReadVector(const std::string& name) {
  const auto file = OpenFile(FixturePath("../sign/public_keys/" + name));
  return file ? ReadWholeFile(**file, 1 << 20).value_or("") : "";
}

Result<PublicKey> KeyOf(const std::string& name) {
  return PublicKey::FromPem(ReadVector(name + ".pem"), name);
}

struct Known {
  const char* name;
  KeyType type;
  const char* type_name;
  const char* fingerprint;  // openssl pkey -pubin -outform DER | openssl dgst -sha256
};
constexpr Known kKnown[] = {
    {"p256", KeyType::kP256, "p256",
     "28c4fe129bfcbefc8c4cfa08e3f57e0410de87b35f8c41f43b8a9c694a9b7c36"},
    {"p384", KeyType::kP384, "p384",
     "097e90356cfe073a9d812e30d3c770c16fe45d8359c94e73c02515bed55dbaf3"},
    {"p521", KeyType::kP521, "p521",
     "59290e500a62e0b39c3152fe1f94063cfe91cfd6fb88cfa4636ef14f58475771"},
    {"rsa", KeyType::kRsa, "rsa",
     "e1fa9827a61dde19e2e96c2ceeec8f54f698949a495a391af68b9bed3982ca55"},
    {"ed25519", KeyType::kEd25519, "ed25519",
     "7515222cc95e590bdcb4f7972de817f8ec5d26e9a2c8b9d1d358c4ccd56f3780"},
};

TEST(PublicKeyVectors, VerifiesWhatOpensslSigned) {
  const std::string message = ReadVector("message");
  for (const Known& known : kKnown) {
    SCOPED_TRACE(known.name);
    const auto key = KeyOf(known.name);
    ASSERT_TRUE(Ok(key));
    EXPECT_EQ(key->Type(), known.type);
    EXPECT_EQ(KeyTypeName(key->Type()), known.type_name);
    EXPECT_EQ(key->Fingerprint().Hex(), known.fingerprint);
    EXPECT_EQ(key->Pem(), ReadVector(std::string(known.name) + ".pem"));

    std::string signature = ReadVector(std::string(known.name) + ".sig");
    EXPECT_TRUE(key->Verify(AsBytes(message), AsBytes(signature)));
    EXPECT_FALSE(key->Verify(AsBytes(message + " "), AsBytes(signature)));
    EXPECT_FALSE(key->Verify(AsBytes(message), AsBytes(signature + "x")));
    EXPECT_FALSE(key->Verify(AsBytes(message), {}));
    signature[signature.size() / 2] ^= 1;
    EXPECT_FALSE(key->Verify(AsBytes(message), AsBytes(signature)));
  }
}

TEST(PublicKeyVectors, VerifiesDigestsThatWereComputedBefore) {
  const std::string message = ReadVector("message");
  const auto key = KeyOf("p256");
  ASSERT_TRUE(Ok(key));
  const std::string signature = ReadVector("p256.sig"), other = ReadVector("p256_sha512.sig");
  const Digest sha256 = HashBytes(Algorithm::kSha256, AsBytes(message));
  const Digest sha512 = HashBytes(Algorithm::kSha512, AsBytes(message));
  EXPECT_TRUE(key->VerifyDigest(sha256, AsBytes(signature)));
  EXPECT_TRUE(key->VerifyDigest(sha512, AsBytes(other)));
  EXPECT_FALSE(key->VerifyDigest(sha256, AsBytes(other)));
  EXPECT_FALSE(key->VerifyDigest(HashBytes(Algorithm::kBlake3, AsBytes(message)), AsBytes(other)));
  const auto ed25519 = KeyOf("ed25519");
  ASSERT_TRUE(Ok(ed25519));
  EXPECT_FALSE(ed25519->VerifyDigest(sha512, AsBytes(ReadVector("ed25519.sig"))));
}

TEST(PublicKeyVectors, OneKeyHasOneFormWhateverFileItCameIn) {
  for (const char* curve : {"p256", "p384", "p521"}) {
    const auto key = KeyOf(curve), compressed = KeyOf(std::string(curve) + "_compressed");
    ASSERT_TRUE(Ok(key) && Ok(compressed));
    EXPECT_EQ(*key, *compressed);
    EXPECT_EQ(key->Pem(), compressed->Pem());
  }
  const auto rsa = KeyOf("rsa"), pkcs1 = KeyOf("rsa_pkcs1");
  ASSERT_TRUE(Ok(rsa) && Ok(pkcs1));
  EXPECT_EQ(*rsa, *pkcs1);
  std::string windows = "a comment\r\n";
  for (const char c : ReadVector("p256.pem")) windows += c == '\n' ? "\r\n" : std::string(1, c);
  const auto key = PublicKey::FromPem(windows, "key");
  ASSERT_TRUE(Ok(key));
  EXPECT_EQ(key->Pem(), ReadVector("p256.pem"));
}

TEST(PublicKeyVectors, RefusesOtherKinds) {
  for (const char* name : {"rsa1024", "secp256k1", "explicit", "x25519", "rsa_pss"}) {
    SCOPED_TRACE(name);
    const auto key = KeyOf(name);
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, Errc::kUnsupported);
  }
}

TEST(PublicKeyVectors, RefusesWhatIsNoKey) {
  const std::string pem = ReadVector("p256.pem");
  const auto blocks = ReadPem(pem, "");
  ASSERT_TRUE(Ok(blocks));
  std::string der = blocks->at(0).der;
  const auto refuses = [](const Result<PublicKey>& key) {
    return !key && key.error().code == Errc::kMalformed;
  };
  EXPECT_TRUE(refuses(PublicKey::FromSpki(AsBytes(der + "x"), "")));
  EXPECT_TRUE(refuses(PublicKey::FromSpki(AsBytes(der).first(der.size() - 1), "")));
  der.back() = static_cast<char>(der.back() ^ 1);  // off the curve
  EXPECT_TRUE(refuses(PublicKey::FromSpki(AsBytes(der), "")));
  EXPECT_TRUE(refuses(PublicKey::FromSpki({}, "")));
  EXPECT_TRUE(refuses(PublicKey::FromPkcs1({}, "")));
  EXPECT_TRUE(refuses(PublicKey::FromEd25519(AsBytes(std::string(31, 'a')), "")));
  EXPECT_TRUE(refuses(PublicKey::FromPem("", "")));
  EXPECT_TRUE(refuses(PublicKey::FromPem(pem + pem, "")));
  EXPECT_TRUE(refuses(PublicKey::FromPem(WritePem("CERTIFICATE", blocks->at(0).der), "")));
}

}  // namespace
}  // namespace hallmark
