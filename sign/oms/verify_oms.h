// Is this bundle a model signature (OpenSSF Model Signing 1.0) of the one it should be of? What it
// lists is checked against files elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sign/keys/public_key.h"
#include "sign/oms/statement.h"
#include "sign/sigstore/certificate.h"
#include "sign/sigstore/trusted_root.h"
#include "sign/sigstore/verify_bundle.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/hash/digest.h"

namespace hallmark {

// Who a certificate has to be of. At least one is set, and all that are set must hold: a chain to a
// root alone says only that somebody has a certificate.
struct CertificateRule {
  std::string identity = {};       // one of its alternative names, a URI or an email address
  std::string subject = {};        // its subject's name as RFC 2253 writes it
  std::optional<Digest> key = {};  // SHA-256 of its SubjectPublicKeyInfo
};

// Method `certificate`.
struct OmsCertificatePolicy {
  std::vector<Certificate> roots;
  CertificateRule rule;
  // Certificates have to be valid now, or when one of these saw the signature.
  std::vector<Authority> timestamp_authorities = {};
};

// Method `sigstore`.
struct OmsKeylessPolicy {
  SignerIdentity signer;
  const TrustedRoot* root;  // not null; outlives the policy
};

struct OmsPolicy {
  // The one key of method `key`, or whom to accept of another method.
  std::variant<PublicKey, OmsCertificatePolicy, OmsKeylessPolicy> signer;
  std::int64_t now = 0;  // unix seconds
  // Also what early versions of model_signing wrote: keys in full, statements that are only lists,
  // and signatures over a wrong encoding.
  bool accept_legacy = false;
};

struct OmsSigned {
  OmsStatement statement;
  std::string signer;                // for people: the key's hint, or whom the certificate is of
  std::string issuer;                // who vouched for that, of method `sigstore`
  std::optional<std::int64_t> time;  // by when it was signed, where somebody proves it
  std::vector<Finding> findings;     // what was not looked at
};

// Checks signature and signer first, then reads the statement. `subject` is for messages. Errors:
// kMalformed; kUnsupported; kUntrusted (not signed by whom it should be); kUsage (a policy that
// accepts anybody).
Result<OmsSigned> VerifyOmsBundle(std::string_view text, const OmsPolicy& policy,
                                  const std::string& subject);

}  // namespace hallmark
