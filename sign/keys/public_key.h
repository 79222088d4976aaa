// The public half of a key, whatever file it came in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

enum class KeyType : std::uint8_t { kEd25519, kP256, kP384, kP521, kRsa };
std::string_view KeyTypeName(KeyType type);  // "ed25519", "p256", "rsa"
// The hash that signatures of this type are made with: SHA-256, SHA-384 for p384, SHA-512 for p521
// and ed25519.
Algorithm KeyHash(KeyType type);

// Immutable; cheap to copy, safe to share between threads. Ed25519 is libsodium's, which refuses
// keys of small order and signatures that are not in their one form; all else is OpenSSL's. RSA
// keys have at least 2048 bits.
class PublicKey {
 public:
  static Result<PublicKey> FromEd25519(ByteSpan key, std::string subject);  // 32 bytes
  // A SubjectPublicKeyInfo (RFC 5280, 4.1), as DER, or as a PEM block with any line ends; text
  // around the block is skipped. Errors: kMalformed; kUnsupported (another curve or algorithm, an
  // RSA key that is too small).
  static Result<PublicKey> FromSpki(ByteSpan der, std::string subject);
  static Result<PublicKey> FromPem(std::string_view pem, std::string subject);
  // An RSAPublicKey (RFC 8017, A.1.1), which old trusted roots have.
  static Result<PublicKey> FromPkcs1(ByteSpan der, std::string subject);

  KeyType Type() const;
  ByteSpan Ed25519() const;    // the 32 bytes; only of kEd25519
  std::string Spki() const;    // DER, points uncompressed
  std::string Pem() const;     // the same in 64 columns, as OpenSSL writes it
  Digest Fingerprint() const;  // SHA-256 of Spki()

  // Ed25519; ECDSA, as DER, with the curve's own hash (SHA-256, SHA-384, SHA-512); RSA of PKCS #1
  // v1.5 with SHA-256. False for every signature that is not good.
  bool Verify(ByteSpan message, ByteSpan signature) const;
  // ECDSA or RSA of PKCS #1 v1.5 over a digest of kSha256, kSha384 or kSha512 that was computed
  // before; false for Ed25519.
  bool VerifyDigest(const Digest& digest, ByteSpan signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.Spki() == b.Spki(); }

 private:
  struct Key;
  explicit PublicKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}

  std::shared_ptr<const Key> key_;
};

}  // namespace hallmark
