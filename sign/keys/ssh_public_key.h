// Public keys as OpenSSH writes them (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4).
#pragma once

#include <string>
#include <string_view>

#include "sign/keys/public_key.h"

namespace hallmark {

// The binary form. Errors: kMalformed; kUnsupported (a certificate, a hardware key, DSA).
Result<PublicKey> ParseSshKeyBlob(std::string_view blob, const std::string& subject);
// Of a key of Ed25519.
std::string SshKeyBlob(const PublicKey& key);

// "ssh-ed25519" and its kin: the word that begins a line with a key.
bool IsSshKeyType(std::string_view word);

struct SshKeyLine {
  std::string comment;  // may be empty
  PublicKey key;
};
// "ssh-ed25519 AAAA… comment", without a line end. Errors: as ParseSshKeyBlob.
Result<SshKeyLine> ParseSshKeyLine(std::string_view line, const std::string& subject);

// "SHA256:" and base64 without padding, as ssh-keygen -l shows it.
std::string SshFingerprint(std::string_view blob);

}  // namespace hallmark
