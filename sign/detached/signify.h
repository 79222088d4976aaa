// Signatures of OpenBSD's signify: Ed25519 over the file itself, and texts that carry their
// signature above them, as OpenBSD's SHA256.sig does.
#pragma once

#include <string>

#include "sign/detached/signature_scheme.h"
#include "sign/keys/signer.h"

namespace hallmark {

bool IsSignifySignature(std::string_view text);

// As SignatureScheme::check.
Result<SignatureCheck> CheckSignify(std::string_view text, const SignedFile& file,
                                    std::span<const NamedKey> keys);

// The text of the signature's file. Errors: kUsage (a key that is not Ed25519 or has no number; a
// comment that is too long or has control characters); those of `file` and of the signer.
Result<std::string> SignSignify(const SigningKey& key, const SignedFile& file,
                                std::string_view comment = "signature from hallmark secret key");

// "signify -S -e": a signature, and behind it what is signed. Views into `text`.
struct EmbeddedSignify {
  std::string_view signature;  // as IsSignifySignature says
  std::string_view message;
};
bool IsEmbeddedSignify(std::string_view text);
// Errors: kMalformed.
Result<EmbeddedSignify> ParseEmbeddedSignify(std::string_view text, const std::string& subject);
std::string WriteEmbeddedSignify(std::string_view signature, std::string_view message);

}  // namespace hallmark
