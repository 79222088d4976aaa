// A file of a secret key, in whichever form: minisign, signify, OpenSSH or PEM.
#pragma once

#include <filesystem>
#include <string>

#include "sign/keys/signer.h"

namespace hallmark {

// `password` is asked only where the file is encrypted. Errors: as ReadSecretFile says; kMalformed
// (no secret key, or a broken one); kUnsupported; kUsage (a wrong password); those of `password`.
Result<SigningKey> OpenSigningKey(const std::filesystem::path& path,
                                  const PasswordSource& password);

// The same of a file's text. `subject` is for messages and for what `password` is told.
Result<SigningKey> ParseSigningKey(const Secret& text, const std::string& subject,
                                   const PasswordSource& password);

}  // namespace hallmark
