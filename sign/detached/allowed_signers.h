// allowed_signers files of OpenSSH (ssh-keygen, "ALLOWED SIGNERS"): who may sign what, and when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sign/detached/public_key_file.h"

namespace hallmark {

// Lines of SSH keys: with principals before them, or more than one as in authorized_keys. One
// alone without principals is a plain public key.
bool IsAllowedSigners(std::string_view text);

// The keys that may sign in hallmark's namespace at `now` (unix seconds), named by their
// principals, or by their comment where a line has none. Others are left out, and it is said why:
// another namespace, outside of valid-after and valid-before, cert-authority, a key of a type that
// is not known here. Times without a Z are local. At most 64 kB. Errors: kMalformed (with the
// line); kUntrusted (no key is left).
Result<NamedKeys> ParseAllowedSigners(std::string_view text, const std::string& subject,
                                      std::int64_t now);

}  // namespace hallmark
