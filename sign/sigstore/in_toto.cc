#include "sign/sigstore/in_toto.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "src/json/json_fields.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr std::string_view kStatement1 = "https://in-toto.io/Statement/v1";
constexpr std::string_view kStatement01 = "https://in-toto.io/Statement/v0.1";

}  // namespace

Result<void> CheckStatementSubject(const DsseEnvelope& envelope, const Digest& sha256) {
  if (envelope.payload_type != kInTotoPayloadType) {
    return Error{Errc::kUntrusted, "",
                 fmt::format("its payload is of type {}, not an in-toto statement",
                             EscapeForPeople(envelope.payload_type))};
  }
  const std::string subject = "the statement";
  const JsonDocument document = HM_TRY(JsonDocument::Parse(envelope.payload, subject));
  const JsonFields fields(subject);
  const std::string type = HM_TRY(fields.Text(document.Root(), "_type"));
  if (type != kStatement1 && type != kStatement01) {
    return Error{Errc::kUntrusted, "",
                 fmt::format("its statement is of type {}", EscapeForPeople(type))};
  }
  for (const JsonValue& item : HM_TRY(fields.Array(document.Root(), "subject"))) {
    const JsonValue digests = HM_TRY(fields.Object(item, "digest"));
    const auto value = digests.Find("sha256");
    const auto hex = value ? value->AsString() : std::nullopt;
    if (hex && Digest::FromHex(Algorithm::kSha256, *hex) == sha256) return {};
  }
  return Error{Errc::kUntrusted, "",
               fmt::format("its statement is of other files, not of {}", sha256.ToString())};
}

}  // namespace hallmark
