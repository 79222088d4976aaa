#include "sign/keys/openssl_signer.h"

#include <fmt/format.h>
#include <openssl/x509.h>

#include <utility>

namespace hallmark {
namespace {

const EVP_MD* HashOf(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return EVP_sha256();
    case KeyType::kP384:
      return EVP_sha384();
    default:
      return EVP_sha512();
  }
}

class EcSigner final : public Signer {
 public:
  EcSigner(PrivateKeyPtr key, PublicKey public_key)
      : key_(std::move(key)), public_key_(std::move(public_key)) {}

  const PublicKey& Public() const override { return public_key_; }
  Result<std::string> Sign(ByteSpan message) const override {
    return SignEcdsa(key_.get(), public_key_, message);
  }

 private:
  PrivateKeyPtr key_;
  PublicKey public_key_;
};

Result<std::unique_ptr<Signer>> RawEd25519(EVP_PKEY* key, const std::string& subject) {
  Secret seed(32);
  std::size_t size = seed.Size();
  if (EVP_PKEY_get_raw_private_key(key, reinterpret_cast<unsigned char*>(seed.Bytes().data()),
                                   &size) != 1 ||
      size != seed.Size()) {
    return Error{Errc::kMalformed, subject, "an Ed25519 key without its private half"};
  }
  return Ed25519Signer(seed);
}

// Files carry both halves, which need not be of one key.
bool IsPair(EVP_PKEY* key) {
  const OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new(key, nullptr));
  return context && EVP_PKEY_pairwise_check(context.get()) == 1;
}

}  // namespace

Result<PublicKey> PublicHalf(EVP_PKEY* key, const std::string& subject) {
  const OpensslErrors errors;
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  if (size <= 0) {
    return Error{Errc::kUnsupported, subject, "a private key whose public half cannot be had"};
  }
  const std::string der = TakeOpensslBytes(encoded, size);
  return PublicKey::FromSpki(AsBytes(der), subject);
}

Result<std::string> SignEcdsa(EVP_PKEY* key, const PublicKey& public_key, ByteSpan message) {
  const OpensslErrors errors;
  const unsigned char* const bytes = OpensslBytes(message);
  const OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  std::string signature;
  bool made =
      context &&
      EVP_DigestSignInit(context.get(), nullptr, HashOf(public_key.Type()), nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1;
  if (made) {
    signature.resize(size);
    made = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          bytes, message.size()) == 1;
    signature.resize(made ? size : 0);
  }
  if (!made) return Error{Errc::kIo, "", "the key does not sign"};
  if (!public_key.Verify(message, AsBytes(signature))) {
    return Error{Errc::kIo, "", "the signature that was made does not verify"};
  }
  return signature;
}

Result<std::unique_ptr<Signer>> OpensslSigner(PrivateKeyPtr key, const std::string& subject) {
  if (EVP_PKEY_is_a(key.get(), "ED25519")) return RawEd25519(key.get(), subject);
  auto public_key = HM_TRY(PublicHalf(key.get(), subject));
  if (public_key.Type() == KeyType::kRsa) {
    return Error{Errc::kUnsupported, subject, "hallmark does not sign with RSA", std::nullopt,
                 "use Ed25519 or ECDSA: hallmark keygen makes such keys"};
  }
  const OpensslErrors errors;
  if (!IsPair(key.get())) {
    return Error{Errc::kMalformed, subject, "the public key in it is not that of its secret key"};
  }
  return std::make_unique<EcSigner>(std::move(key), std::move(public_key));
}

}  // namespace hallmark
