// Signatures in JSON: model signatures (OMS), DSSE envelopes, Sigstore bundles.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "verify/signatures/signers.h"

namespace hallmark {

// A text that may sign a source, and where it stands.
struct SignatureText {
  std::string name;  // of its file, for messages
  std::string text;
  bool is_source = false;  // it is the source itself
};

// What came of trying whom is trusted, one by one.
struct BundleCheck {
  std::optional<Endorsement> good;
  std::optional<Error> first;     // why the first of them is not it
  std::vector<Finding> findings;  // of a good one
};

// Errors: kUntrusted where it is of a key that is trusted, as it says itself, and does not hold.
Result<BundleCheck> CheckBundle(const SignatureText& signature, const Source& source,
                                const SignatureRules& rules,
                                std::span<const TrustedSigner> signers);

}  // namespace hallmark
