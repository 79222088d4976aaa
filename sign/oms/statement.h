// What a model signature signs: the in-toto statement that lists a model's files (OpenSSF Model
// Signing 1.0, sections 5 and 6). Whether it is signed at all, verify_oms.h finds out.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/hash/digest.h"

namespace hallmark {

inline constexpr std::string_view kOmsPredicateType = "https://model_signing/signature/v1.0";
// Of version 0.2 of model_signing.
inline constexpr std::string_view kOmsLegacyPredicateType = "https://model_signing/Digests/v0.1";

// How files become resources.
enum class OmsMethod : std::uint8_t {
  kFiles,   // each file is one
  kShards,  // each stretch of shard_bytes of a file is one; empty files have none
};

struct OmsResource {
  std::string path;  // relative and safe; empty: of the one file that the model is
  ByteRange range;   // kShards: the stretch
  Digest digest;
};

struct OmsStatement {
  std::string model_name;  // proves nothing; may hold hostile bytes
  // SHA-256 over all digests in their order: what the signed subject is.
  Digest root = Digest(Algorithm::kSha256, std::array<std::byte, 32>{});
  OmsMethod method = OmsMethod::kFiles;
  Algorithm hash = Algorithm::kSha256;
  std::uint64_t shard_bytes = 0;  // 0 for kFiles
  bool allow_links = false;       // symbolic links count as the files that they lead to
  // Files and folders that it says nothing about; relative and safe. kOmsDefaultIgnored are left
  // out besides.
  std::vector<std::string> ignored_paths;
  std::vector<OmsResource> resources;  // in their order; at least one
  // Of version 0.2 of model_signing: nothing but names and digests, and no root is signed.
  bool is_legacy = false;
  std::vector<Finding> findings;  // members that are not known here
};

// Left out of every model where they stand at its top.
inline constexpr std::array<std::string_view, 4> kOmsDefaultIgnored = {".git", ".gitattributes",
                                                                       ".github", ".gitignore"};

// "sha256", "blake2b" or "blake3"; false for algorithms that OMS has not.
bool IsOmsHash(Algorithm algorithm);

// Reads the payload of a bundle, predicates `signature/v1.0` and `Digests/v0.1`. Everything that
// 1.0 says of a statement is checked, the root digest too. `subject` is for messages. Errors:
// kMalformed; kUnsupported (a statement of another kind, a method or hash that is not known).
Result<OmsStatement> ParseOmsStatement(std::string_view payload, const std::string& subject);

}  // namespace hallmark
