// What an entry of a signature log says was signed, and that it is what a bundle holds: otherwise a
// bundle could show the entry of another signature.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "sign/keys/public_key.h"
#include "sign/sigstore/bundle.h"
#include "sign/sigstore/certificate.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

// What a bundle says was signed. Refers to the bundle.
struct SignedContent {
  std::variant<Certificate, PublicKey> signer;
  const DsseEnvelope* envelope = nullptr;  // null: a message
  std::string signature;                   // the one there is
  // Of the message, or of the envelope's encoding.
  std::function<Result<Digest>(Algorithm)> digest;
};

// Kinds that are known: hashedrekord 0.0.1, hashedrekord 0.0.2 (of Rekor 2, also for envelopes),
// dsse 0.0.1 and intoto 0.0.2. Signature and signer must be equal, and so must the digest (for the
// last two, of the envelope's payload: their digest of the envelope is of bytes that a bundle does
// not keep). Errors: kMalformed, kUnsupported, kUntrusted; those of `digest`.
Result<void> CheckLogBody(const LogEntry& entry, const SignedContent& content);

}  // namespace hallmark
