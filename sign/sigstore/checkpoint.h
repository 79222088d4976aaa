// A log's checkpoint (C2SP tlog-checkpoint): how many entries it has and the root of their tree,
// signed by it as a note.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sign/sigstore/trusted_root.h"
#include "src/base/error.h"

namespace hallmark {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;  // entries
  std::string root_hash;   // 32 bytes
};

// The checkpoint in `note`, signed by `log` in one of its lines; lines of others are not looked at.
// Errors: kMalformed; kUntrusted (no signature of that log, or one that does not hold).
Result<Checkpoint> VerifyCheckpoint(std::string_view note, const TransparencyLog& log);

}  // namespace hallmark
