// Proofs that a log has something (C2SP tlog-proof): where it stands, the way to the root of the
// log's tree, and the checkpoint, which witnesses may have cosigned.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sign/trust/trust_root.h"

namespace hallmark {

struct TlogProof {
  std::uint64_t index = 0;
  std::vector<std::string> hashes;  // 32 bytes each, from the leaf's sibling on
  std::string checkpoint;           // a signed note
};

// Extra data, which nothing vouches for, is left out. Errors: kMalformed; kUnsupported (another
// version).
Result<TlogProof> ParseTlogProof(std::string_view text, const std::string& subject);

// The names of the root's witnesses that cosigned the checkpoint of one of its logs, in which
// `entry` stands. Errors: kUntrusted; as FindWitnesses.
Result<std::set<std::string>> CheckTlogProof(const TlogProof& proof, std::string_view entry,
                                             const TrustRoot& root, std::uint64_t latest,
                                             const std::string& subject);

}  // namespace hallmark
