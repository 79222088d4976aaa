// Sigstore's trusted root: the logs and authorities that a verifier believes, and when.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sign/keys/public_key.h"
#include "sign/sigstore/certificate.h"
#include "sign/sigstore/unix_time.h"
#include "src/base/error.h"

namespace hallmark {

// Of signatures (Rekor) or of certificates.
struct TransparencyLog {
  std::string name;                     // its address without the scheme: "rekor.sigstore.dev"
  std::string id;                       // 32 bytes
  std::string checkpoint_id;            // at least 4 bytes, of the key in checkpoints
  std::optional<PublicKey> public_key;  // nullopt: of a kind that is not known here
  ValidityPeriod valid;
};

// Of certificates (Fulcio) or of timestamps.
struct Authority {
  std::string name;                // its address, for people
  std::vector<Certificate> chain;  // the root last; of timestamps, usually the signer first
  ValidityPeriod valid;

  std::span<const Certificate> Intermediates() const { return {chain.data(), chain.size() - 1}; }
  std::span<const Certificate> Root() const { return {&chain.back(), 1}; }
};

struct TrustedRoot {
  std::vector<TransparencyLog> logs;              // of signatures
  std::vector<TransparencyLog> certificate_logs;  // of certificates
  std::vector<Authority> certificate_authorities;
  std::vector<Authority> timestamp_authorities;
};

// trusted_root.json. Members that are not known are ignored. Errors: kMalformed (also where a
// period has no start); kUnsupported (another media type).
Result<TrustedRoot> ParseTrustedRoot(std::string_view text, std::string subject);

// Sigstore's public instance, as it was when hallmark was built.
const TrustedRoot& SigstorePublicRoot();

}  // namespace hallmark
