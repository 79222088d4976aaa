// Signatures of ssh-keygen -Y sign (OpenSSH's PROTOCOL.sshsig, version 1): armoured, with the key
// inside and a namespace that says what they are for.
#pragma once

#include <string>

#include "sign/detached/signature_scheme.h"
#include "sign/keys/signer.h"

namespace hallmark {

// The only namespace that is signed for and accepted: a signature over the same bytes for git or
// for a login says nothing of a model.
inline constexpr std::string_view kSshNamespace = "model-manifest@hallmark";

bool IsSshSignature(std::string_view text);

// As SignatureScheme::check. By keys of Ed25519, ECDSA and RSA; ssh-rsa with SHA-1 is kUnsupported.
Result<SignatureCheck> CheckSsh(std::string_view text, const SignedFile& file,
                                std::span<const NamedKey> keys);

// The text of the signature's file, over the SHA-512 of the file. Errors: kUnsupported (a key that
// is not Ed25519); those of `file` and of the signer.
Result<std::string> SignSsh(const SigningKey& key, const SignedFile& file);

}  // namespace hallmark
