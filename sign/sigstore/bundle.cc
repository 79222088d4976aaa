#include "sign/sigstore/bundle.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "sign/sigstore/proto_json.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxProofHashes = 64;
constexpr std::size_t kMaxLogEntries = 32;
constexpr std::size_t kMaxCertificates = 16;
constexpr std::size_t kMaxDepth = 16;

struct Version {
  std::string_view media_type;
  int minor;
};
constexpr std::array<Version, 4> kVersions = {{
    {"application/vnd.dev.sigstore.bundle+json;version=0.1", 1},
    {"application/vnd.dev.sigstore.bundle+json;version=0.2", 2},
    {"application/vnd.dev.sigstore.bundle+json;version=0.3", 3},
    {"application/vnd.dev.sigstore.bundle.v0.3+json", 3},
}};

Result<int> MinorVersion(std::string_view media_type, const std::string& subject) {
  for (const Version& version : kVersions) {
    if (media_type == version.media_type) return version.minor;
  }
  return Error{Errc::kUnsupported, subject,
               fmt::format("a bundle of type {}", EscapeForPeople(media_type)), std::nullopt,
               "known are Sigstore bundles of the versions 0.1, 0.2 and 0.3"};
}

Result<std::string> ReadCertificate(const ProtoObject& object) {
  HM_TRY(object.AllowOnly({"rawBytes"}));
  return object.Bytes("rawBytes");
}

Result<CertificateChain> ReadChain(const ProtoObject& object) {
  HM_TRY(object.AllowOnly({"certificates"}));
  CertificateChain chain;
  const std::vector<ProtoObject> items = HM_TRY(object.Objects("certificates"));
  if (items.empty() || items.size() > kMaxCertificates) {
    return object.Malformed("certificates", fmt::format("a list of 1 to {}", kMaxCertificates));
  }
  for (const ProtoObject& item : items) {
    chain.certificates.push_back(HM_TRY(ReadCertificate(item)));
  }
  return chain;
}

Result<void> ReadKey(const ProtoObject& key, SigstoreBundle& bundle) {
  HM_TRY(key.AllowOnly({"hint", "rawBytes", "keyDetails"}));
  if (key.Has("rawBytes")) {
    RawKey raw;
    raw.der = HM_TRY(key.Bytes("rawBytes"));
    if (key.Has("keyDetails")) raw.details = HM_TRY(key.Text("keyDetails"));
    bundle.material = std::move(raw);
    return {};
  }
  KeyHint hint;
  if (key.Has("hint")) hint.hint = HM_TRY(key.Text("hint"));
  bundle.material = std::move(hint);
  return {};
}

Result<InclusionProof> ReadProof(const ProtoObject& object) {
  HM_TRY(object.AllowOnly({"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"}));
  InclusionProof proof;
  if (object.Has("logIndex")) proof.log_index = HM_TRY(object.Number("logIndex"));
  proof.tree_size = HM_TRY(object.Number("treeSize"));
  proof.root_hash = HM_TRY(object.Bytes("rootHash"));
  if (object.Has("hashes")) proof.hashes = HM_TRY(object.BytesList("hashes"));
  if (proof.root_hash.size() != kHashBytes) return object.Malformed("rootHash", "of 32 bytes");
  if (proof.hashes.size() > kMaxProofHashes) return object.Malformed("hashes", "a list up to 64");
  for (const std::string& hash : proof.hashes) {
    if (hash.size() != kHashBytes) return object.Malformed("hashes", "of 32 bytes each");
  }
  if (object.Has("checkpoint")) {
    const ProtoObject checkpoint = HM_TRY(object.Object("checkpoint"));
    HM_TRY(checkpoint.AllowOnly({"envelope"}));
    proof.checkpoint = HM_TRY(checkpoint.Text("envelope"));
  }
  return proof;
}

// Protobuf leaves out numbers that are 0.
Result<LogEntry> ReadLogEntry(const ProtoObject& object) {
  HM_TRY(object.AllowOnly({"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise",
                           "inclusionProof", "canonicalizedBody"}));
  LogEntry entry;
  if (object.Has("logIndex")) entry.log_index = HM_TRY(object.Number("logIndex"));
  if (object.Has("integratedTime")) entry.integrated_time = HM_TRY(object.Number("integratedTime"));
  const ProtoObject log = HM_TRY(object.Object("logId"));
  HM_TRY(log.AllowOnly({"keyId"}));
  entry.log_id = HM_TRY(log.Bytes("keyId"));
  const ProtoObject kind = HM_TRY(object.Object("kindVersion"));
  HM_TRY(kind.AllowOnly({"kind", "version"}));
  entry.kind = HM_TRY(kind.Text("kind"));
  entry.version = HM_TRY(kind.Text("version"));
  if (object.Has("inclusionPromise")) {
    const ProtoObject promise = HM_TRY(object.Object("inclusionPromise"));
    HM_TRY(promise.AllowOnly({"signedEntryTimestamp"}));
    entry.promise = HM_TRY(promise.Bytes("signedEntryTimestamp"));
  }
  if (object.Has("inclusionProof")) {
    const ProtoObject proof = HM_TRY(object.Object("inclusionProof"));
    entry.proof = HM_TRY(ReadProof(proof));
  }
  entry.body = HM_TRY(object.Bytes("canonicalizedBody"));
  return entry;
}

Result<void> ReadTimestamps(const ProtoObject& object, SigstoreBundle& bundle) {
  HM_TRY(object.AllowOnly({"rfc3161Timestamps"}));
  if (!object.Has("rfc3161Timestamps")) return {};
  for (const ProtoObject& item : HM_TRY(object.Objects("rfc3161Timestamps"))) {
    HM_TRY(item.AllowOnly({"signedTimestamp"}));
    // Put there by hand with base64(1), it is in lines.
    bundle.timestamps.push_back(HM_TRY(item.WrappedBytes("signedTimestamp")));
  }
  return {};
}

Result<void> ReadMaterial(const ProtoObject& object, const std::string& subject,
                          SigstoreBundle& bundle) {
  HM_TRY(object.AllowOnly({"publicKey", "x509CertificateChain", "certificate", "tlogEntries",
                           "timestampVerificationData"}));
  const bool key = object.Has("publicKey"), chain = object.Has("x509CertificateChain");
  const bool single = object.Has("certificate");
  if (key + chain + single != 1) {
    return Error{Errc::kMalformed, subject,
                 "verificationMaterial has not exactly one of publicKey, x509CertificateChain and "
                 "certificate"};
  }
  if (key) {
    const ProtoObject value = HM_TRY(object.Object("publicKey"));
    HM_TRY(ReadKey(value, bundle));
  } else if (chain) {
    const ProtoObject value = HM_TRY(object.Object("x509CertificateChain"));
    bundle.material = HM_TRY(ReadChain(value));
  } else {
    const ProtoObject value = HM_TRY(object.Object("certificate"));
    std::string der = HM_TRY(ReadCertificate(value));
    bundle.material = CertificateChain{{std::move(der)}, true};
  }
  bundle.has_log_entries = object.Has("tlogEntries");
  if (bundle.has_log_entries) {
    const std::vector<ProtoObject> entries = HM_TRY(object.Objects("tlogEntries"));
    if (entries.size() > kMaxLogEntries) {
      return object.Malformed("tlogEntries", fmt::format("a list up to {}", kMaxLogEntries));
    }
    for (const ProtoObject& entry : entries) {
      bundle.log_entries.push_back(HM_TRY(ReadLogEntry(entry)));
    }
  }
  if (object.Has("timestampVerificationData")) {
    const ProtoObject value = HM_TRY(object.Object("timestampVerificationData"));
    HM_TRY(ReadTimestamps(value, bundle));
  }
  return {};
}

Result<MessageSignature> ReadMessageSignature(const ProtoObject& object) {
  HM_TRY(object.AllowOnly({"messageDigest", "signature"}));
  MessageSignature message;
  if (object.Has("messageDigest")) {
    const ProtoObject digest = HM_TRY(object.Object("messageDigest"));
    HM_TRY(digest.AllowOnly({"algorithm", "digest"}));
    message.digest = HM_TRY(ReadProtoDigest(digest));
  }
  message.signature = HM_TRY(object.Bytes("signature"));
  return message;
}

}  // namespace

Result<SigstoreBundle> ParseSigstoreBundle(std::string_view text, std::string subject) {
  JsonLimits limits;
  limits.max_depth = kMaxDepth;
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, subject, 0, limits));
  const ProtoObject root = HM_TRY(ProtoObject::From(document.Root(), "", subject));
  SigstoreBundle bundle;
  bundle.media_type = HM_TRY(root.Text("mediaType"));
  bundle.minor_version = HM_TRY(MinorVersion(bundle.media_type, subject));
  HM_TRY(root.AllowOnly({"mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"}));
  const ProtoObject material = HM_TRY(root.Object("verificationMaterial"));
  HM_TRY(ReadMaterial(material, subject, bundle));
  if (root.Has("messageSignature") == root.Has("dsseEnvelope")) {
    return Error{Errc::kMalformed, std::move(subject),
                 "it has not exactly one of messageSignature and dsseEnvelope"};
  }
  if (const auto envelope = root.Find("dsseEnvelope")) {
    bundle.content = HM_TRY(ParseDsseEnvelope(*envelope, subject));
  } else {
    const ProtoObject message = HM_TRY(root.Object("messageSignature"));
    bundle.content = HM_TRY(ReadMessageSignature(message));
  }
  return bundle;
}

}  // namespace hallmark
