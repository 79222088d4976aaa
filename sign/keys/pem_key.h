// Private keys in PEM, of ECDSA and Ed25519, through OpenSSL: PKCS #8 (RFC 5958), with a password
// or without, and SEC 1's "EC PRIVATE KEY".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sign/keys/signer.h"

namespace hallmark {

bool IsPemPrivateKey(std::string_view text);

// `password` is asked only for a key that is encrypted. Errors: kMalformed; kUnsupported (another
// algorithm or curve, a password that costs too much to try); kUsage (a wrong password); those of
// `password`.
Result<SigningKey> ParsePemPrivateKey(std::string_view text, const std::string& subject,
                                      const PasswordSource& password);

// A new key on a NIST curve, as the text of a PKCS #8 file; encrypted by AES-256 with scrypt
// (RFC 7914) unless `password` is null. `type` is kP256, kP384 or kP521; kUsage otherwise.
Result<Secret> GenerateEcKeyPem(KeyType type, const Secret* password);

}  // namespace hallmark
