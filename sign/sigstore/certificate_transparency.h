// Certificate transparency (RFC 6962): a log's promise, embedded in a certificate, to publish it.
#pragma once

#include <span>

#include "sign/sigstore/certificate.h"
#include "sign/sigstore/trusted_root.h"
#include "src/base/error.h"

namespace hallmark {

// `leaf` has exactly one signed certificate timestamp, and it is of one of `logs` within its
// period, over this certificate as `issuer` issued it. Errors: kMalformed (none, several, or
// broken); kUntrusted.
Result<void> VerifyCertificateTimestamp(const Certificate& leaf, const Certificate& issuer,
                                        std::span<const TransparencyLog> logs);

}  // namespace hallmark
