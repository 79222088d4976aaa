// How an OriginTrust is kept in a file.
#include "sign/trust/origin_trust.h"

#include <fmt/format.h>

#include <utility>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/json/json_fields.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSchema = "hallmark.trust/1";

// 64-bit numbers are texts: a version may be any of them.
void WriteNumber(JsonWriter& json, std::string_view key, std::uint64_t number) {
  json.Member(key, std::to_string(number));
}

class Reader {
 public:
  explicit Reader(const std::string& subject) : fields_(subject), subject_(subject) {}

  Result<std::string> Text(const JsonValue& object, std::string_view key) const {
    return fields_.Text(object, key);
  }
  Result<std::uint64_t> Number(const JsonValue& object, std::string_view key) const {
    const auto number = ParseDecimal(HM_TRY(Text(object, key)));
    if (!number) return fields_.Malformed(key, "a whole number, as a text");
    return *number;
  }
  Result<Digest> Sha256(const JsonValue& object, std::string_view key) const {
    const auto digest = Digest::Parse(HM_TRY(Text(object, key)));
    if (!digest || digest->GetAlgorithm() != Algorithm::kSha256) {
      return fields_.Malformed(key, "a digest, sha256:hex");
    }
    return *digest;
  }
  Result<std::vector<JsonValue>> Array(const JsonValue& object, std::string_view key) const {
    return fields_.Array(object, key);
  }
  Result<NamedKey> Key(const JsonValue& object) const {
    const auto spki = FromBase64(HM_TRY(Text(object, "spki")));
    const auto number = FromHex(HM_TRY(Text(object, "number")));
    if (!spki) return fields_.Malformed("spki", "base64");
    if (!number) return fields_.Malformed("number", "of hex digits");
    std::string name = HM_TRY(Text(object, "name"));
    PublicKey key = HM_TRY(PublicKey::FromSpki(AsBytes(*spki), subject_));
    return NamedKey{std::move(name), std::move(key), std::string(AsText(*number))};
  }

 private:
  JsonFields fields_;
  const std::string& subject_;
};

}  // namespace

std::string OriginTrust::Write() const {
  JsonWriter json(JsonWriter::Form::kPretty);
  json.BeginObject().Member("schema", kSchema).Member("origin", Origin());
  WriteNumber(json, "clock", clock_);
  if (root_.version > 0) {
    json.Key("root").BeginObject().Member("json", root_json_).Member("signature", root_signature_);
    json.EndObject();
  } else {
    json.Key("keys").BeginArray();
    for (const NamedKey& key : root_.keys) {
      json.BeginObject()
          .Member("name", key.name)
          .Member("spki", ToBase64(key.key.Spki()))
          .Member("number", ToHex(AsBytes(key.number)))
          .EndObject();
    }
    json.EndArray();
  }
  json.Key("revoked").BeginArray();
  for (const RevokedKey& revoked : revoked_) {
    json.BeginObject()
        .Member("name", revoked.name)
        .Member("fingerprint", revoked.fingerprint.ToString())
        .Member("reason", revoked.reason);
    WriteNumber(json, "time", revoked.time);
    json.EndObject();
  }
  json.EndArray().Key("accepted").BeginArray();
  for (const AcceptedStatement& accepted : accepted_) {
    json.BeginObject().Member("kind", accepted.kind).Member("sha256", accepted.sha256.ToString());
    WriteNumber(json, "version", accepted.version);
    WriteNumber(json, "root_version", accepted.root_version);
    WriteNumber(json, "first_seen", accepted.first_seen);
    json.EndObject();
  }
  json.EndArray().Key("events").BeginArray();
  for (const TrustEvent& event : events_) {
    json.BeginObject().Member("what", event.what).Member("detail", event.detail);
    WriteNumber(json, "time", event.time);
    json.EndObject();
  }
  return json.EndArray().EndObject().Take() + "\n";
}

Result<OriginTrust> OriginTrust::Parse(std::string_view text, const std::string& subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, subject));
  const JsonValue object = document.Root();
  const Reader reader(subject);
  const std::string schema = HM_TRY(reader.Text(object, "schema"));
  if (schema != kSchema) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("its schema is {}, not {}", EscapeForPeople(schema), kSchema)};
  }
  OriginTrust trust(HM_TRY(reader.Text(object, "origin")));
  if (!IsOrigin(trust.Origin())) {
    return Error{Errc::kMalformed, subject, "its \"origin\" is none"};
  }
  trust.clock_ = HM_TRY(reader.Number(object, "clock"));
  if (const auto root = object.Find("root")) {
    std::string json = HM_TRY(reader.Text(*root, "json"));
    std::string signature = HM_TRY(reader.Text(*root, "signature"));
    SignedRoot read = HM_TRY(ReadSignedRoot(std::move(json), std::move(signature), subject));
    if (read.root.origin != trust.Origin()) {
      return Error{Errc::kMalformed, subject, "its root is of another origin"};
    }
    trust.root_ = std::move(read.root);
    trust.root_digest_ = read.sha256;
    trust.root_json_ = std::move(read.json);
    trust.root_signature_ = std::move(read.signature);
  } else {
    for (const JsonValue& key : HM_TRY(reader.Array(object, "keys"))) {
      trust.root_.keys.push_back(HM_TRY(reader.Key(key)));
    }
  }
  for (const JsonValue& item : HM_TRY(reader.Array(object, "revoked"))) {
    const Digest fingerprint = HM_TRY(reader.Sha256(item, "fingerprint"));
    std::string name = HM_TRY(reader.Text(item, "name"));
    std::string reason = HM_TRY(reader.Text(item, "reason"));
    const std::uint64_t time = HM_TRY(reader.Number(item, "time"));
    trust.revoked_.push_back({fingerprint, std::move(name), std::move(reason), time});
  }
  for (const JsonValue& item : HM_TRY(reader.Array(object, "accepted"))) {
    std::string kind = HM_TRY(reader.Text(item, "kind"));
    const std::uint64_t version = HM_TRY(reader.Number(item, "version"));
    const Digest sha256 = HM_TRY(reader.Sha256(item, "sha256"));
    const std::uint64_t root_version = HM_TRY(reader.Number(item, "root_version"));
    const std::uint64_t first_seen = HM_TRY(reader.Number(item, "first_seen"));
    trust.accepted_.push_back({std::move(kind), version, sha256, root_version, first_seen});
  }
  for (const JsonValue& item : HM_TRY(reader.Array(object, "events"))) {
    const std::uint64_t time = HM_TRY(reader.Number(item, "time"));
    std::string what = HM_TRY(reader.Text(item, "what"));
    std::string detail = HM_TRY(reader.Text(item, "detail"));
    trust.events_.push_back({time, std::move(what), std::move(detail)});
  }
  return trust;
}

}  // namespace hallmark
