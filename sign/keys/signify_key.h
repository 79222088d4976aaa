// Secret keys of OpenBSD's signify: those without a password.
#pragma once

#include <string>
#include <string_view>

#include "sign/keys/signer.h"

namespace hallmark {

// `text` is that of a secret key's file, as IsSignifySecretKey says. Errors: kMalformed;
// kUnsupported (a password, which signify hashes by bcrypt).
Result<SigningKey> ParseSignifySecretKey(std::string_view text, const std::string& subject);
bool IsSignifySecretKey(std::string_view text);

}  // namespace hallmark
