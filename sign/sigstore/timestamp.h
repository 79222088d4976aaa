// Timestamps of signatures (RFC 3161): an authority says that it saw these bytes, and when.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sign/sigstore/trusted_root.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

struct VerifiedTimestamp {
  std::int64_t time;      // unix seconds
  std::string authority;  // its name in the trusted root
};

// `response` is a TimeStampResp, DER, over `message`. The authority's certificates may be in it or
// not; they must be valid at its time, not now, and its time be within the authority's period.
// Errors: kMalformed (no response, or one of a refusal); kUntrusted (of other bytes, or no
// authority holds for it).
Result<VerifiedTimestamp> VerifyTimestamp(ByteSpan response, ByteSpan message,
                                          std::span<const Authority> authorities);

}  // namespace hallmark
