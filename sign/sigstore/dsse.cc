#include "sign/sigstore/dsse.h"

#include <fmt/format.h>

#include "sign/sigstore/proto_json.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxSignatures = 32;

}  // namespace

Result<DsseEnvelope> ParseDsseEnvelope(const JsonValue& object, const std::string& subject) {
  const ProtoObject json = HM_TRY(ProtoObject::From(object, "dsseEnvelope", subject));
  HM_TRY(json.AllowOnly({"payload", "payloadType", "signatures"}));
  DsseEnvelope envelope;
  envelope.payload = HM_TRY(json.Bytes("payload"));
  envelope.payload_type = HM_TRY(json.Text("payloadType"));
  const std::vector<ProtoObject> signatures = HM_TRY(json.Objects("signatures"));
  if (signatures.empty() || signatures.size() > kMaxSignatures) {
    return json.Malformed("signatures", fmt::format("a list of 1 to {}", kMaxSignatures));
  }
  for (const ProtoObject& signature : signatures) {
    HM_TRY(signature.AllowOnly({"sig", "keyid"}));
    if (signature.Has("keyid")) HM_TRY(signature.Text("keyid"));
    envelope.signatures.push_back(HM_TRY(signature.Bytes("sig")));
  }
  return envelope;
}

std::string DssePreAuthEncoding(std::string_view payload_type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", payload_type.size(), payload_type, payload.size(),
                     payload);
}

}  // namespace hallmark
