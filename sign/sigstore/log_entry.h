// An entry of a signature log (Rekor 1 and 2): that it is in the log, and since when.
#pragma once

#include <cstdint>
#include <optional>

#include "sign/sigstore/bundle.h"
#include "sign/sigstore/trusted_root.h"
#include "src/base/error.h"

namespace hallmark {

// Of the first generation, whose entries have a time of their own; the second has none.
bool IsRekor1(const LogEntry& entry);

struct VerifiedLogEntry {
  const TransparencyLog* log = nullptr;  // in the trusted root
  std::optional<std::int64_t> time;  // when it was logged, unix seconds; only where that is signed
};

// Everything that `entry` has is checked: the inclusion proof against its checkpoint and that
// against the log's key, and the promise; what it must have depends on the bundle's version (0.1: a
// promise; later: a proof with a checkpoint). `now`: no entry was logged after it. Nothing is said
// of what was logged, nor of the log's period in the root. Errors: kMalformed, kUnsupported,
// kUntrusted.
Result<VerifiedLogEntry> VerifyLogEntry(const LogEntry& entry, int bundle_minor_version,
                                        const TrustedRoot& root, std::int64_t now);

}  // namespace hallmark
