// Keys of minisign 0.11, byte for byte; hallmark's own Ed25519 keys are kept so too.
// docs/keys-and-signatures.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sign/keys/signer.h"

namespace hallmark {

// A secret key that can be written. `number` has 8 bytes.
struct MinisignKey {
  std::string number;
  Secret seed;  // 32 bytes
};
MinisignKey GenerateMinisignKey();

// What scrypt spends on a password: libsodium's units. The default is minisign's, 1 GiB and a few
// seconds; files may ask for less, never for more.
struct ScryptCost {
  std::uint64_t operations = 33554432;
  std::uint64_t memory = 1073741824;  // bytes
};

// The text of a secret key's file; encrypted unless `password` is null. Errors: kIo (not enough
// memory for `cost`).
Result<Secret> WriteMinisignSecretKey(const MinisignKey& key, const Secret* password,
                                      const ScryptCost& cost = {});
std::string WriteMinisignPublicKey(const PublicKey& key, std::string_view number);

// `text` is that of a secret key's file, as IsMinisignSecretKey says. `password` is asked only for
// a key that is encrypted. Errors: kMalformed; kUnsupported (another way to encrypt, or a cost
// above the default); kUsage (a wrong password); kIo (not enough memory); those of `password`.
Result<SigningKey> ParseMinisignSecretKey(std::string_view text, const std::string& subject,
                                          const PasswordSource& password);
bool IsMinisignSecretKey(std::string_view text);

}  // namespace hallmark
