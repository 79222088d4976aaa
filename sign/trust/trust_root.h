// Who may speak for an origin: some keys, and how many of them must agree. A statement of kind
// "root"; the next one is signed by those of the one before and by its own. docs/trust.md.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sign/trust/statement_signature.h"

namespace hallmark {

struct TrustRoot {
  std::string origin;
  std::uint64_t version = 0;    // from 1 on; 0: keys that were added one by one, no file
  std::uint64_t threshold = 1;  // how many different keys must have signed
  std::vector<NamedKey> keys;
  std::optional<std::uint64_t> expires = {};  // unix seconds
  std::vector<VerifierKey> witnesses = {};
  std::uint64_t witness_threshold = 0;  // how many of them must have cosigned
  std::vector<VerifierKey> logs = {};   // in which statements may stand
};

// "schema":"hallmark.root/1" in RFC 8785 canonical form, with a final newline.
std::string WriteTrustRoot(const TrustRoot& root);
// Keys and witnesses are there once and thresholds can be met. Errors: kMalformed; kUnsupported.
Result<TrustRoot> ParseTrustRoot(std::string_view json, const std::string& subject);

// Which of `keys` signed, each once however many lines it has. Errors: kUntrusted where a line
// names one of them and does not hold.
Result<std::vector<const NamedKey*>> FindSigners(const SignedNote& note,
                                                 const std::vector<NamedKey>& keys,
                                                 const std::string& subject);
// The names of the root's witnesses that cosigned, none later than `latest` (unix seconds). Errors:
// kUntrusted where a line of one of them does not hold or is of the future.
Result<std::set<std::string>> FindWitnesses(const SignedNote& note, const TrustRoot& root,
                                            std::uint64_t latest, const std::string& subject);

struct SignedRoot {
  TrustRoot root;
  Digest sha256;  // of its file
  std::string json;
  std::string signature;  // the whole note
};
// A root file and its signature, which is by as many of its own keys as it asks for. Errors:
// kMalformed; kUntrusted.
Result<SignedRoot> ReadSignedRoot(std::string json, std::string signature,
                                  const std::string& subject);
// That `next` follows `root`: one version on, same origin, signed by enough keys of `root` too.
// `root` has a file of its own (version 1 or more). Errors: kUntrusted.
Result<void> CheckRotation(const TrustRoot& root, const SignedRoot& next,
                           const std::string& subject);
// That enough of `keys`, those of `signed_root` that are still believed, signed it. Errors:
// kUntrusted.
Result<void> CheckOwnKeys(const TrustRoot& keys, const SignedRoot& signed_root,
                          const std::string& subject);

}  // namespace hallmark
