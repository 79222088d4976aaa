#include "sign/keys/signer.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

namespace hallmark {
namespace {

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

class SodiumEd25519 final : public Signer {
 public:
  SodiumEd25519(Secret secret_key, PublicKey key)
      : secret_key_(std::move(secret_key)), key_(std::move(key)) {}

  const PublicKey& Public() const override { return key_; }

  Result<std::string> Sign(ByteSpan message) const override {
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, Raw(message),
                         message.size(), Raw(secret_key_.Bytes()));
    // A fault while signing could give the key away.
    if (!key_.Verify(message, AsBytes(signature))) {
      return Error{Errc::kIo, "", "the signature that was made does not verify"};
    }
    return signature;
  }

 private:
  Secret secret_key_;
  PublicKey key_;
};

}  // namespace

std::unique_ptr<Signer> Ed25519Signer(const Secret& seed) {
  HM_CHECK(seed.Size() == crypto_sign_SEEDBYTES);
  std::array<std::byte, crypto_sign_PUBLICKEYBYTES> key;
  Secret secret_key(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(key.data()),
                           reinterpret_cast<unsigned char*>(secret_key.Bytes().data()),
                           Raw(seed.Bytes()));
  auto public_key = PublicKey::FromEd25519(key, "");
  HM_CHECK(public_key.has_value());
  return std::make_unique<SodiumEd25519>(std::move(secret_key), *std::move(public_key));
}

Result<std::unique_ptr<Signer>> Ed25519SignerFrom(ByteSpan secret_key, const std::string& subject) {
  HM_CHECK(secret_key.size() == crypto_sign_SECRETKEYBYTES);
  auto signer = Ed25519Signer(Secret::Copy(secret_key.first(crypto_sign_SEEDBYTES)));
  if (!std::ranges::equal(signer->Public().Ed25519(),
                          secret_key.last(crypto_sign_PUBLICKEYBYTES))) {
    return Error{Errc::kMalformed, subject, "the public key in it is not that of its secret key"};
  }
  return signer;
}

}  // namespace hallmark
