#include "sign/sigstore/log_body.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "sign/keys/pem.h"
#include "sign/sigstore/proto_json.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxDepth = 16;
const std::string kSubject = "the log entry's body";

Error Untrusted(std::string_view what) {
  return {Errc::kUntrusted, "", fmt::format("the log entry is of another {}", what)};
}

Result<void> CheckSignature(const SignedContent& content, std::string_view logged) {
  if (logged != content.signature) return Untrusted("signature");
  return {};
}

Result<void> CheckDigest(const SignedContent& content, Algorithm algorithm, const Digest& logged) {
  const Digest digest = HM_TRY(content.digest(algorithm));
  if (logged != digest) {
    return Untrusted(content.envelope == nullptr ? "file" : "envelope");
  }
  return {};
}

// The SPKI or the certificate in DER, as Rekor 2 has it.
Result<void> CheckSigner(const SignedContent& content, std::string_view certificate_der,
                         std::string_view key_der) {
  if (const auto* certificate = std::get_if<Certificate>(&content.signer)) {
    if (certificate->Der() != certificate_der) return Untrusted("certificate");
  } else if (std::get<PublicKey>(content.signer).Spki() != key_der) {
    return Untrusted("key");
  }
  return {};
}

// As Rekor 1 has it: one block of PEM.
Result<void> CheckPemSigner(const SignedContent& content, std::string_view pem) {
  const std::vector<PemBlock> blocks = HM_TRY(ReadPem(pem, kSubject));
  if (blocks.size() != 1) {
    return Error{Errc::kMalformed, kSubject, "its signer is not one block of PEM"};
  }
  const bool is_key = blocks[0].label == "PUBLIC KEY";
  if (!is_key && blocks[0].label != "CERTIFICATE") {
    return Error{Errc::kMalformed, kSubject, "its signer is neither a certificate nor a key"};
  }
  const std::string_view der = blocks[0].der;
  return CheckSigner(content, is_key ? "" : der, is_key ? der : "");
}

// {"algorithm":"sha256","value":hex}
Result<Digest> ReadHexDigest(const ProtoObject& owner, std::string_view name) {
  const ProtoObject object = HM_TRY(owner.Object(name));
  const std::string algorithm = HM_TRY(object.Text("algorithm"));
  const std::string hex = HM_TRY(object.Text("value"));
  for (const Algorithm known : {Algorithm::kSha256, Algorithm::kSha384, Algorithm::kSha512}) {
    if (algorithm != InfoOf(known).name) continue;
    const auto digest = Digest::FromHex(known, hex);
    if (digest) return *digest;
  }
  return object.Malformed("value", "a digest of SHA-2 in hex");
}

Result<void> CheckHashedRekord1(const ProtoObject& spec, const SignedContent& content) {
  const ProtoObject data = HM_TRY(spec.Object("data"));
  const ProtoObject signature = HM_TRY(spec.Object("signature"));
  const ProtoObject signer = HM_TRY(signature.Object("publicKey"));
  if (content.envelope != nullptr) return Untrusted("kind of signature");
  const Digest digest = HM_TRY(ReadHexDigest(data, "hash"));
  HM_TRY(CheckDigest(content, digest.GetAlgorithm(), digest));
  const std::string logged = HM_TRY(signature.Bytes("content"));
  HM_TRY(CheckSignature(content, logged));
  const std::string pem = HM_TRY(signer.Bytes("content"));
  return CheckPemSigner(content, pem);
}

Result<void> CheckHashedRekord2(const ProtoObject& spec, const SignedContent& content) {
  const ProtoObject record = HM_TRY(spec.Object("hashedRekordV002"));
  const ProtoObject data = HM_TRY(record.Object("data"));
  const ProtoObject signature = HM_TRY(record.Object("signature"));
  const ProtoObject verifier = HM_TRY(signature.Object("verifier"));
  const Digest digest = HM_TRY(ReadProtoDigest(data));
  HM_TRY(CheckDigest(content, digest.GetAlgorithm(), digest));
  const std::string logged = HM_TRY(signature.Bytes("content"));
  HM_TRY(CheckSignature(content, logged));
  const bool is_key = verifier.Has("publicKey");
  const ProtoObject holder = HM_TRY(verifier.Object(is_key ? "publicKey" : "x509Certificate"));
  const std::string der = HM_TRY(holder.Bytes("rawBytes"));
  return CheckSigner(content, is_key ? "" : der, is_key ? der : "");
}

Result<void> CheckPayload(const ProtoObject& owner, const SignedContent& content) {
  if (content.envelope == nullptr) return Untrusted("kind of signature");
  const Digest logged = HM_TRY(ReadHexDigest(owner, "payloadHash"));
  if (HashBytes(logged.GetAlgorithm(), AsBytes(content.envelope->payload)) != logged) {
    return Untrusted("payload");
  }
  return {};
}

Result<ProtoObject> OnlySignature(const ProtoObject& owner) {
  std::vector<ProtoObject> signatures = HM_TRY(owner.Objects("signatures"));
  if (signatures.size() != 1) return owner.Malformed("signatures", "a list of one");
  return std::move(signatures[0]);
}

Result<void> CheckDsse1(const ProtoObject& spec, const SignedContent& content) {
  HM_TRY(CheckPayload(spec, content));
  const ProtoObject signature = HM_TRY(OnlySignature(spec));
  const std::string logged = HM_TRY(signature.Bytes("signature"));
  HM_TRY(CheckSignature(content, logged));
  const std::string pem = HM_TRY(signature.Bytes("verifier"));
  return CheckPemSigner(content, pem);
}

// Its signature is in base64 twice.
Result<void> CheckIntoto2(const ProtoObject& spec, const SignedContent& content) {
  const ProtoObject entry = HM_TRY(spec.Object("content"));
  HM_TRY(CheckPayload(entry, content));
  const ProtoObject envelope = HM_TRY(entry.Object("envelope"));
  const std::string type = HM_TRY(envelope.Text("payloadType"));
  if (type != content.envelope->payload_type) return Untrusted("payload type");
  const ProtoObject signature = HM_TRY(OnlySignature(envelope));
  const std::string logged = HM_TRY(signature.Bytes("sig"));
  if (logged != ToBase64(content.signature)) return Untrusted("signature");
  const std::string pem = HM_TRY(signature.Bytes("publicKey"));
  return CheckPemSigner(content, pem);
}

struct Kind {
  std::string_view kind, version;
  Result<void> (*check)(const ProtoObject& spec, const SignedContent& content);
};
constexpr std::array<Kind, 4> kKinds = {{
    {"hashedrekord", "0.0.1", CheckHashedRekord1},
    {"hashedrekord", "0.0.2", CheckHashedRekord2},
    {"dsse", "0.0.1", CheckDsse1},
    {"intoto", "0.0.2", CheckIntoto2},
}};

}  // namespace

Result<void> CheckLogBody(const LogEntry& entry, const SignedContent& content) {
  JsonLimits limits;
  limits.max_depth = kMaxDepth;
  const JsonDocument document = HM_TRY(JsonDocument::Parse(entry.body, kSubject, 0, limits));
  const ProtoObject body = HM_TRY(ProtoObject::From(document.Root(), "", kSubject));
  const std::string kind = HM_TRY(body.Text("kind"));
  const std::string version = HM_TRY(body.Text("apiVersion"));
  if (kind != entry.kind || version != entry.version) {
    return Error{Errc::kMalformed, kSubject, "it is not of the kind that the bundle says"};
  }
  const ProtoObject spec = HM_TRY(body.Object("spec"));
  for (const Kind& known : kKinds) {
    if (kind == known.kind && version == known.version) return known.check(spec, content);
  }
  return Error{Errc::kUnsupported, "",
               fmt::format("a log entry of the kind {} {}", EscapeForPeople(kind),
                           EscapeForPeople(version))};
}

}  // namespace hallmark
