// Private keys of OpenSSH (PROTOCOL.key, "openssh-key-v1"): of Ed25519, without a password.
#pragma once

#include <string>
#include <string_view>

#include "sign/keys/signer.h"

namespace hallmark {

bool IsOpensshPrivateKey(std::string_view text);

// Errors: kMalformed; kUnsupported (a password, which OpenSSH hashes by bcrypt; another type).
Result<SigningKey> ParseOpensshPrivateKey(std::string_view text, const std::string& subject);

}  // namespace hallmark
