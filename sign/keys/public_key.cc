#include "sign/keys/public_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sign/keys/openssl_handles.h"
#include "sign/keys/pem.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::size_t kEd25519Bytes = 32, kEd25519SignatureBytes = 64;
constexpr int kMinRsaBits = 2048, kMaxRsaBits = 16384;
// RFC 8410, 4: an SPKI of Ed25519 up to its 32 bytes.
constexpr std::string_view kEd25519Spki("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);

using OpensslKey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

Error Unsupported(std::string subject, std::string_view what) {
  return {Errc::kUnsupported, std::move(subject), fmt::format("a public key {}", what)};
}

Result<KeyType> TypeOfCurve(const EVP_PKEY* key, const std::string& subject) {
  int is_explicit = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit);
  // A curve that is spelled out can have a generator of the attacker's (CVE-2020-0601).
  if (is_explicit != 0) return Unsupported(subject, "whose curve has no name");
  std::array<char, 64> name{};
  EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr);
  const std::string_view curve(name.data());
  if (curve == "prime256v1") return KeyType::kP256;
  if (curve == "secp384r1") return KeyType::kP384;
  if (curve == "secp521r1") return KeyType::kP521;
  return Unsupported(subject, fmt::format("on the curve {}", EscapeForPeople(curve)));
}

Result<void> CheckRsa(const EVP_PKEY* key, const std::string& subject) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return Unsupported(subject, fmt::format("of RSA with {} bits, limits {} and {}", bits,
                                            kMinRsaBits, kMaxRsaBits));
  }
  return {};
}

std::string SpkiOf(const EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  return TakeOpensslBytes(encoded, size);
}

const EVP_MD* MethodOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kSha256:
      return EVP_sha256();
    case Algorithm::kSha384:
      return EVP_sha384();
    case Algorithm::kSha512:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

}  // namespace

std::string_view KeyTypeName(KeyType type) {
  constexpr std::array<std::string_view, 5> kNames = {"ed25519", "p256", "p384", "p521", "rsa"};
  return kNames.at(static_cast<std::size_t>(type));
}

Algorithm KeyHash(KeyType type) {
  switch (type) {
    case KeyType::kP384:
      return Algorithm::kSha384;
    case KeyType::kP521:
    case KeyType::kEd25519:
      return Algorithm::kSha512;
    default:
      return Algorithm::kSha256;
  }
}

struct PublicKey::Key {
  KeyType type;
  std::string spki;
  OpensslKey openssl = nullptr;  // null for Ed25519
};

Result<PublicKey> PublicKey::FromEd25519(ByteSpan key, std::string subject) {
  if (key.size() != kEd25519Bytes) {
    return Error{Errc::kMalformed, std::move(subject),
                 fmt::format("an Ed25519 key of {} bytes, not {}", key.size(), kEd25519Bytes)};
  }
  std::string spki(kEd25519Spki);
  spki += AsText(key);
  return PublicKey(std::make_shared<const Key>(Key{KeyType::kEd25519, std::move(spki)}));
}

Result<PublicKey> PublicKey::FromSpki(ByteSpan der, std::string subject) {
  if (der.size() == kEd25519Spki.size() + kEd25519Bytes && AsText(der).starts_with(kEd25519Spki)) {
    return FromEd25519(der.subspan(kEd25519Spki.size()), std::move(subject));
  }
  const OpensslErrors clear;
  const unsigned char* at = OpensslBytes(der);
  OpensslKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != OpensslBytes(der) + der.size()) {
    return Error{Errc::kMalformed, std::move(subject), "a public key that cannot be read"};
  }
  KeyType type = KeyType::kRsa;
  if (EVP_PKEY_is_a(key.get(), "EC")) {
    type = HM_TRY(TypeOfCurve(key.get(), subject));
    EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  } else if (EVP_PKEY_is_a(key.get(), "RSA")) {
    HM_TRY(CheckRsa(key.get(), subject));
  } else {
    return Unsupported(std::move(subject), "of another kind than Ed25519, ECDSA and RSA");
  }
  std::string spki = SpkiOf(key.get());
  if (spki.empty()) return Unsupported(std::move(subject), "that OpenSSL cannot write");
  return PublicKey(std::make_shared<const Key>(Key{type, std::move(spki), std::move(key)}));
}

Result<PublicKey> PublicKey::FromPkcs1(ByteSpan der, std::string subject) {
  const OpensslErrors clear;
  const unsigned char* at = OpensslBytes(der);
  const OpensslKey key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
  const bool whole = key && at == OpensslBytes(der) + der.size();
  const std::string spki = whole ? SpkiOf(key.get()) : "";
  if (spki.empty()) {
    return Error{Errc::kMalformed, std::move(subject), "an RSA key that cannot be read"};
  }
  return FromSpki(AsBytes(spki), std::move(subject));
}

Result<PublicKey> PublicKey::FromPem(std::string_view pem, std::string subject) {
  const std::vector<PemBlock> blocks = HM_TRY(ReadPem(pem, subject));
  const PemBlock* found = nullptr;
  for (const PemBlock& block : blocks) {
    if (block.label != "PUBLIC KEY" && block.label != "RSA PUBLIC KEY") continue;
    if (found != nullptr) {
      return Error{Errc::kMalformed, std::move(subject), "more than one public key"};
    }
    found = &block;
  }
  if (found == nullptr) {
    const std::string other =
        blocks.empty() ? "" : fmt::format(", only {}", EscapeForPeople(blocks[0].label));
    return Error{Errc::kMalformed, std::move(subject), "no public key in PEM" + other};
  }
  return found->label == "PUBLIC KEY" ? FromSpki(AsBytes(found->der), std::move(subject))
                                      : FromPkcs1(AsBytes(found->der), std::move(subject));
}

KeyType PublicKey::Type() const { return key_->type; }

ByteSpan PublicKey::Ed25519() const {
  HM_CHECK(key_->type == KeyType::kEd25519);
  return AsBytes(key_->spki).subspan(kEd25519Spki.size());
}

std::string PublicKey::Spki() const { return key_->spki; }
std::string PublicKey::Pem() const { return WritePem("PUBLIC KEY", key_->spki); }
Digest PublicKey::Fingerprint() const { return HashBytes(Algorithm::kSha256, AsBytes(key_->spki)); }

bool PublicKey::Verify(ByteSpan message, ByteSpan signature) const {
  if (key_->type == KeyType::kEd25519) {
    return sodium_init() >= 0 && signature.size() == kEd25519SignatureBytes &&
           crypto_sign_verify_detached(OpensslBytes(signature), OpensslBytes(message),
                                       message.size(), OpensslBytes(Ed25519())) == 0;
  }
  return VerifyDigest(HashBytes(KeyHash(key_->type), message), signature);
}

bool PublicKey::VerifyDigest(const Digest& digest, ByteSpan signature) const {
  const EVP_MD* method = MethodOf(digest.GetAlgorithm());
  if (key_->openssl == nullptr || method == nullptr) return false;
  const OpensslErrors clear;
  const KeyContext context(EVP_PKEY_CTX_new(key_->openssl.get(), nullptr));
  return context && EVP_PKEY_verify_init(context.get()) == 1 &&
         (key_->type != KeyType::kRsa ||
          EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1) &&
         EVP_PKEY_CTX_set_signature_md(context.get(), method) == 1 &&
         EVP_PKEY_verify(context.get(), OpensslBytes(signature), signature.size(),
                         OpensslBytes(digest.Bytes()), digest.Bytes().size()) == 1;
}

}  // namespace hallmark
