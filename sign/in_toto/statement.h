// in-toto statements (0.1 and 1): what files somebody says something of, and, where it is SLSA
// provenance (0.2 and 1), how they were built. Read only; who signed, is found out elsewhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

inline constexpr std::string_view kInTotoStatementType = "https://in-toto.io/Statement/v1";

struct InTotoSubject {
  std::string name;             // any text; often a path or a package; may hold hostile bytes
  std::vector<Digest> digests;  // of algorithms that are known here, and as long as theirs
};

struct SlsaProvenance {
  std::string builder;                   // the id of who built it, a URI
  std::string build_type;                // a URI
  std::vector<InTotoSubject> materials;  // what it was built from
};

struct InTotoStatement {
  std::string predicate_type;
  std::vector<InTotoSubject> subjects;  // at least one
  std::optional<SlsaProvenance> slsa;   // if the predicate is SLSA provenance
};

// At most 100,000 subjects. Errors: kMalformed; kUnsupported (a statement of another type).
Result<InTotoStatement> ParseInTotoStatement(std::string_view payload, const std::string& subject);

}  // namespace hallmark
