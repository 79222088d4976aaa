// Something that can sign: a key file that was unlocked, or a token.
#pragma once

#include <memory>
#include <string>

#include "sign/keys/public_key.h"
#include "sign/keys/secret.h"

namespace hallmark {

class Signer {
 public:
  virtual ~Signer() = default;
  virtual const PublicKey& Public() const = 0;
  // A signature that Public().Verify(message, signature) accepts; checked before it is returned.
  // Errors: kIo (a token that does not answer), kUsage (a token that refuses).
  virtual Result<std::string> Sign(ByteSpan message) const = 0;
};

// `seed`: 32 bytes (RFC 8032, the private key).
std::unique_ptr<Signer> Ed25519Signer(const Secret& seed);

// `secret_key`: 64 bytes, the seed and the public key, as files of minisign, signify and OpenSSH
// have it. Errors: kMalformed (the public key is another one's).
Result<std::unique_ptr<Signer>> Ed25519SignerFrom(ByteSpan secret_key, const std::string& subject);

// A key that was opened, with what schemes need to know beside it.
struct SigningKey {
  std::unique_ptr<Signer> signer;
  // minisign's and signify's number of the key, 8 bytes; empty where its file has none.
  std::string number = {};
};

}  // namespace hallmark
