#include "sign/sigstore/trusted_root.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sign/sigstore/proto_json.h"
#include "sign/sigstore/public_root.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kLogIdBytes = 32;
constexpr std::size_t kHintBytes = 4;
constexpr std::size_t kMaxCertificates = 16;
constexpr std::size_t kMaxParties = 1000;  // of each kind
constexpr std::uint64_t kMaxBytes = 10'000'000;
constexpr std::size_t kMaxDepth = 16;
// The first is how the public instance's own file says it.
constexpr std::array<std::string_view, 4> kMediaTypes = {
    "application/vnd.dev.sigstore.trustedroot",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
};

Result<std::int64_t> ReadTime(const ProtoObject& object, std::string_view name) {
  const std::string text = HM_TRY(object.Text(name));
  const auto time = ParseUtcTime(text);
  if (!time) return object.Malformed(name, "a time in UTC");
  return *time;
}

Result<ValidityPeriod> ReadPeriod(const ProtoObject& owner) {
  const ProtoObject object = HM_TRY(owner.Object("validFor"));
  ValidityPeriod period;
  period.start = HM_TRY(ReadTime(object, "start"));
  if (object.Has("end")) period.end = HM_TRY(ReadTime(object, "end"));
  return period;
}

std::string_view WithoutScheme(std::string_view address) {
  const std::size_t scheme = address.find("://");
  if (scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
  while (address.ends_with('/')) address.remove_suffix(1);
  return address;
}

// A key of a new kind makes one log useless, not the whole root.
Result<std::optional<PublicKey>> ReadKey(const ProtoObject& object, const std::string& name) {
  const std::string der = HM_TRY(object.Bytes("rawBytes"));
  const std::string details =
      object.Has("keyDetails") ? HM_TRY(object.Text("keyDetails")) : std::string();
  auto key = details.starts_with("PKCS1_") ? PublicKey::FromPkcs1(AsBytes(der), name)
                                           : PublicKey::FromSpki(AsBytes(der), name);
  if (key) return std::optional<PublicKey>(std::move(*key));
  if (key.error().code == Errc::kUnsupported) return std::optional<PublicKey>();
  return std::move(key).error();
}

Result<TransparencyLog> ReadLog(const ProtoObject& object) {
  TransparencyLog log;
  log.name = WithoutScheme(HM_TRY(object.Text("baseUrl")));
  const ProtoObject id = HM_TRY(object.Object("logId"));
  log.id = HM_TRY(id.Bytes("keyId"));
  if (log.id.size() != kLogIdBytes) return id.Malformed("keyId", "of 32 bytes");
  log.checkpoint_id = log.id;
  if (object.Has("checkpointKeyId")) {
    const ProtoObject checkpoint = HM_TRY(object.Object("checkpointKeyId"));
    log.checkpoint_id = HM_TRY(checkpoint.Bytes("keyId"));
    if (log.checkpoint_id.size() < kHintBytes) {
      return checkpoint.Malformed("keyId", "of 4 bytes or more");
    }
  }
  const ProtoObject key = HM_TRY(object.Object("publicKey"));
  log.public_key = HM_TRY(ReadKey(key, EscapeForPeople(log.name)));
  log.valid = HM_TRY(ReadPeriod(key));
  return log;
}

Result<Authority> ReadAuthority(const ProtoObject& object) {
  Authority authority;
  if (object.Has("uri")) authority.name = HM_TRY(object.Text("uri"));
  const ProtoObject chain = HM_TRY(object.Object("certChain"));
  const std::vector<ProtoObject> items = HM_TRY(chain.Objects("certificates"));
  if (items.empty() || items.size() > kMaxCertificates) {
    return chain.Malformed("certificates", fmt::format("a list of 1 to {}", kMaxCertificates));
  }
  for (const ProtoObject& item : items) {
    const std::string der = HM_TRY(item.Bytes("rawBytes"));
    authority.chain.push_back(
        HM_TRY(Certificate::FromDer(AsBytes(der), EscapeForPeople(authority.name))));
  }
  authority.valid = HM_TRY(ReadPeriod(object));
  return authority;
}

template <typename T>
Result<std::vector<T>> ReadAll(const ProtoObject& root, std::string_view name,
                               Result<T> (*read)(const ProtoObject&)) {
  std::vector<T> all;
  if (!root.Has(name)) return all;
  const std::vector<ProtoObject> objects = HM_TRY(root.Objects(name));
  if (objects.size() > kMaxParties) {
    return root.Malformed(name, fmt::format("a list up to {}", kMaxParties));
  }
  for (const ProtoObject& object : objects) all.push_back(HM_TRY(read(object)));
  return all;
}

}  // namespace

Result<TrustedRoot> ParseTrustedRoot(std::string_view text, std::string subject) {
  const JsonDocument document =
      HM_TRY(JsonDocument::Parse(text, subject, 0, JsonLimits{kMaxBytes, kMaxDepth}));
  const ProtoObject json = HM_TRY(ProtoObject::From(document.Root(), "", subject));
  const std::string type = HM_TRY(json.Text("mediaType"));
  if (std::ranges::find(kMediaTypes, type) == kMediaTypes.end()) {
    return Error{Errc::kUnsupported, std::move(subject),
                 fmt::format("a trusted root of type {}", EscapeForPeople(type))};
  }
  TrustedRoot root;
  root.logs = HM_TRY(ReadAll(json, "tlogs", ReadLog));
  root.certificate_logs = HM_TRY(ReadAll(json, "ctlogs", ReadLog));
  root.certificate_authorities = HM_TRY(ReadAll(json, "certificateAuthorities", ReadAuthority));
  root.timestamp_authorities = HM_TRY(ReadAll(json, "timestampAuthorities", ReadAuthority));
  return root;
}

const TrustedRoot& SigstorePublicRoot() {
  static const TrustedRoot root = [] {
    auto parsed = ParseTrustedRoot(EmbeddedPublicRoot(), "production_root.json");
    HM_CHECK(parsed.has_value());
    return std::move(*parsed);
  }();
  return root;
}

}  // namespace hallmark
