// Signatures of minisign 0.11: Ed25519 over the file's BLAKE2b-512, or, in the legacy form, over
// the file itself; and a trusted comment, which a second signature binds to the first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sign/detached/signature_scheme.h"
#include "sign/keys/signer.h"

namespace hallmark {

bool IsMinisignSignature(std::string_view text);

// As SignatureScheme::check. Also bad: a trusted comment whose field "file" or "sha256" speaks of
// another file; fields are those between tabs. The name is compared by its last component.
Result<SignatureCheck> CheckMinisign(std::string_view text, const SignedFile& file,
                                     std::span<const NamedKey> keys);

struct MinisignOptions {
  std::string untrusted_comment = "signature from hallmark secret key";
  // In place of all fields that follow.
  std::optional<std::string> trusted_comment = std::nullopt;
  std::optional<std::uint64_t> time = std::nullopt;  // unix seconds
  bool with_sha256 = false;
  std::optional<std::uint64_t> version = std::nullopt;  // of what is signed
  bool legacy = false;                                  // for tools that know no other form
};

// The text of the signature's file. The trusted comment is
// "timestamp:N\tfile:NAME\thashed\tsha256:HEX\tversion:N", without what was not asked for. Errors:
// kUsage (a key that is not Ed25519 or has no number; comments too long or with control
// characters); those of `file` and of the signer.
Result<std::string> SignMinisign(const SigningKey& key, const SignedFile& file,
                                 const MinisignOptions& options = {});

}  // namespace hallmark
