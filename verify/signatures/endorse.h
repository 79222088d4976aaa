// Whose word a source is: finds the signatures of a list, and checks them against whom the user
// trusts. docs/trust.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sign/detached/signature_scheme.h"
#include "sign/oms/verify_oms.h"
#include "sign/sigstore/verify_bundle.h"
#include "sign/trust/trust_store.h"
#include "verify/sources/source.h"

namespace hallmark {

// Whom to believe, and how much.
struct SignatureRules {
  std::vector<NamedKey> keys;  // named for this run: one of them is enough
  // Certificates of these are believed too.
  std::optional<OmsCertificatePolicy> certificates = {};
  // And whom Sigstore knows by this identity, as this root has it; null: the public instance's.
  std::optional<SignerIdentity> identity = {};
  std::shared_ptr<const TrustedRoot> sigstore_root = {};
  // A provenance must be of one of these builders; empty: of any.
  std::vector<std::string> builders = {};
  TrustStore store{{}};
  std::string origin = {};  // believe only what is said for this one; empty: any that is trusted
  // Signature files of the sources, in their order; where there are none, they are looked for
  // beside each source.
  std::vector<std::filesystem::path> files = {};
  bool required = false;  // a source that nobody trusted has signed is an error
  TrustRules trust = {};
  bool accept_legacy = false;  // what early versions of model signing wrote
  std::uint64_t now = 0;       // unix seconds

  // Whether somebody was named for this run: then nobody else is believed.
  bool NameSomebody() const { return !keys.empty() || certificates || identity; }
};

// Fills in Source::endorsements and findings. A signature by an unknown key is a finding. Errors:
// kUntrusted where a signature of somebody trusted does not hold, is expired or older than one seen
// before, and where one is required and there is none; kUsage; kIo where the store cannot be kept.
Result<void> EndorseAll(const SignatureRules& rules, std::vector<Source>& sources);

}  // namespace hallmark
