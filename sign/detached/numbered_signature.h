// The 74 bytes that minisign and signify sign with: an algorithm, the key's number, Ed25519.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sign/detached/signature_scheme.h"
#include "sign/keys/signer.h"

namespace hallmark {

struct NumberedSignature {
  std::string algorithm;  // 2 bytes
  std::string number;     // 8 bytes
  std::string signature;  // 64 bytes
};

// Errors: kMalformed.
Result<NumberedSignature> ParseNumberedSignature(std::string_view base64);
std::string WriteNumberedSignature(const NumberedSignature& signature);  // base64

// Errors: kUsage (a key that cannot sign so: it is not Ed25519, or has no number).
Result<void> CheckNumberedKey(const SigningKey& key);

// The keys that can have made it: those of its number, and those of Ed25519 without any.
std::vector<const NamedKey*> KeysFor(const NumberedSignature& signature,
                                     std::span<const NamedKey> keys);
// Which of `candidates`, as KeysFor gives them, made it over `message`; null: none.
const NamedKey* MakerOf(const NumberedSignature& signature, ByteSpan message,
                        std::span<const NamedKey* const> candidates);
// A signature that none of `candidates` made: bad if one of them has its number.
SignatureCheck NotMadeBy(const NumberedSignature& signature,
                         std::span<const NamedKey* const> candidates);

}  // namespace hallmark
