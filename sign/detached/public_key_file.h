// Files of public keys, in every form that is known here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sign/keys/named_key.h"

namespace hallmark {

// Reads any file of one public key that hallmark knows: minisign (or its line of base64 alone),
// signify, one line of OpenSSH, a note's verifier key ("name+hash+base64"), PEM. Errors:
// kMalformed; kUnsupported.
Result<NamedKey> ParsePublicKey(std::string_view text, std::string subject);

struct NamedKeys {
  std::vector<NamedKey> keys;              // at least one
  std::vector<std::string> left_out = {};  // of an allowed_signers file: the line, and why
};
// The same, or an allowed_signers file as allowed_signers.h reads it; `now` in unix seconds.
Result<NamedKeys> ParsePublicKeys(std::string_view text, const std::string& subject,
                                  std::int64_t now);

}  // namespace hallmark
