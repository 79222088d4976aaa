// A Sigstore bundle (versions 0.1 to 0.3): what was signed, by whom, and what logs and timestamp
// authorities say of it. Read here, checked in verify_bundle.h and in sign/oms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sign/sigstore/dsse.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

struct InclusionProof {
  std::uint64_t log_index = 0;  // in the tree; not the entry's own, which counts all shards
  std::uint64_t tree_size = 0;
  std::string root_hash;            // 32 bytes
  std::vector<std::string> hashes;  // 32 bytes each
  std::string checkpoint;           // a signed note; may be empty in version 0.1
};

struct LogEntry {
  std::uint64_t log_index = 0;
  std::string log_id;                 // of the log's key
  std::string kind;                   // "hashedrekord", "dsse", "intoto"
  std::string version;                // "0.0.1"
  std::uint64_t integrated_time = 0;  // 0: none
  std::string promise;                // signed entry timestamp; empty: none
  std::optional<InclusionProof> proof;
  std::string body;  // canonicalised, decoded
};

struct MessageSignature {
  std::optional<Digest> digest;  // a hint; must agree where it is there
  std::string signature;
};

// What says who signed: exactly one of these.
struct KeyHint {
  std::string hint;  // empty: none
};
// Of the first releases of model signing.
struct RawKey {
  std::string der;  // as its field has it: PEM text, or an SPKI
  std::string details;
};
struct CertificateChain {
  std::vector<std::string> certificates;  // DER, leaf first; at least one
  bool single = false;                    // a lone `certificate`, no x509CertificateChain
};

struct SigstoreBundle {
  std::string media_type;
  int minor_version = 0;  // 0.1 to 0.3: 1 to 3
  std::variant<KeyHint, RawKey, CertificateChain> material;
  std::vector<LogEntry> log_entries;
  bool has_log_entries = false;         // the member is there, maybe empty
  std::vector<std::string> timestamps;  // RFC 3161 responses, DER
  std::variant<MessageSignature, DsseEnvelope> content;
};

// Reads strictly: unknown versions and members, other alphabets of base64, numbers that are
// negative or too large are refused. Says nothing about what must be present in which version.
// Errors: kMalformed; kUnsupported (a media type or a member that is not known).
Result<SigstoreBundle> ParseSigstoreBundle(std::string_view text, std::string subject);

}  // namespace hallmark
