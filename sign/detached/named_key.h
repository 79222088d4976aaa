// Public keys as their files name them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sign/keys/public_key.h"

namespace hallmark {

// A public key that was named or stored as trusted, as its file gives it.
struct NamedKey {
  std::string name;  // for people: what the file or the store calls it; may hold hostile bytes
  PublicKey key;
  // minisign's and signify's number of the key, 8 bytes; empty where its file has none.
  std::string number = {};
};

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
