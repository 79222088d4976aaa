// Verifies a Sigstore bundle offline: who signed it, and when, by what logs and authorities of a
// trusted root say. What is checked in which order: docs/sigstore.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sign/keys/public_key.h"
#include "sign/sigstore/bundle.h"
#include "sign/sigstore/trusted_root.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

// Compared exactly: the certificate's URI or email address, and who vouched for it.
struct SignerIdentity {
  std::string identity;
  std::string issuer;  // "https://accounts.example"
};

struct SigstorePolicy {
  // Who must have signed: somebody whom a certificate names, or the holder of a key. There is no
  // third, and none that accepts anybody.
  std::variant<SignerIdentity, PublicKey> signer;
  std::int64_t now;  // unix seconds; what was signed later is not believed
};

// Of a file, in the algorithm that the bundle asks for (SHA-256, SHA-384 or SHA-512).
using FileDigest = std::function<Result<Digest>(Algorithm)>;

struct SigstoreVerified {
  struct Time {
    std::int64_t unix;   // seconds
    std::string source;  // the log or the timestamp authority that said so
  };
  struct Entry {
    std::string log;
    std::uint64_t index;
  };
  std::optional<SignerIdentity> identity;  // nullopt: a key signed, which has none
  PublicKey key;                           // that signed: the certificate's, or the policy's
  std::vector<Time> times;                 // at least one with an identity
  std::vector<Entry> entries;              // at least one
};

// A bundle with a DSSE envelope whose signature holds. Says nothing of its payload, which the
// caller has to look at: of which file it speaks, and whether its type is known. Errors: kUntrusted
// (a check failed, or a bundle without an envelope); kMalformed, kUnsupported (the bundle); kUsage
// (an empty identity or issuer). The subject is empty for the bundle itself.
Result<SigstoreVerified> VerifyEnvelopeBundle(const SigstoreBundle& bundle, const TrustedRoot& root,
                                              const SigstorePolicy& policy);

// A bundle that is about this file: a signature over it, or over an in-toto statement of which it
// is a subject, by its SHA-256. Ed25519 signs only statements here, since its signatures of files
// are not over a digest. Errors: as above; those of `file`.
Result<SigstoreVerified> VerifyFileBundle(const SigstoreBundle& bundle, const TrustedRoot& root,
                                          const SigstorePolicy& policy, const FileDigest& file);

}  // namespace hallmark
