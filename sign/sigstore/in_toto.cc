#include "sign/sigstore/in_toto.h"

#include <fmt/format.h>

#include <algorithm>

#include "sign/in_toto/statement.h"
#include "src/base/text.h"

namespace hallmark {

Result<void> CheckStatementSubject(const DsseEnvelope& envelope, const Digest& sha256) {
  if (envelope.payload_type != kInTotoPayloadType) {
    return Error{Errc::kUntrusted, "",
                 fmt::format("its payload is of type {}, not an in-toto statement",
                             EscapeForPeople(envelope.payload_type))};
  }
  const InTotoStatement statement = HM_TRY(ParseInTotoStatement(envelope.payload, "the statement"));
  const bool is_subject =
      std::ranges::any_of(statement.subjects, [&](const InTotoSubject& subject) {
        return std::ranges::find(subject.digests, sha256) != subject.digests.end();
      });
  if (is_subject) return {};
  return Error{Errc::kUntrusted, "",
               fmt::format("its statement is of other files, not of {}", sha256.ToString())};
}

}  // namespace hallmark
