// The keys that model signatures have, and how a bundle names one (OpenSSF Model Signing 1.0, 4).
#pragma once

#include <string>

#include "sign/keys/public_key.h"

namespace hallmark {

// kUnsupported unless it is on P-256, P-384 or P-521.
Result<void> CheckOmsKey(const PublicKey& key, const std::string& subject);

// SHA-256 of the key's PEM text, in hex.
std::string OmsKeyHint(const PublicKey& key);

}  // namespace hallmark
