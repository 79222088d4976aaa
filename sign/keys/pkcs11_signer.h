// Keys on tokens: smart cards, security keys and the like, through PKCS #11 and libp11.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "sign/keys/signer.h"

namespace hallmark {

// The one ECDSA key that `uri` (RFC 7512) names, on the token that it names. `module` is the
// token's library, which is loaded into this process. `pin` is asked where the token wants one,
// once: a token counts wrong PINs. The signer is not thread-safe. Errors: those of ParsePkcs11Uri;
// kNotFound (no module, token or key); kUsage (several fit, a wrong PIN, a locked token); kIo;
// kUnsupported (a key that is not on P-256, P-384 or P-521, or has no public half on the token).
Result<std::unique_ptr<Signer>> OpenPkcs11Key(std::string_view uri,
                                              const std::filesystem::path& module,
                                              const PasswordSource& pin);

}  // namespace hallmark
