#include "sign/sigstore/proto_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {

Result<ProtoObject> ProtoObject::From(const JsonValue& value, std::string place,
                                      const std::string& subject) {
  if (!value.IsObject()) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("{} is not an object", place.empty() ? "it" : place)};
  }
  return ProtoObject(value, std::move(place), subject);
}

Result<void> ProtoObject::AllowOnly(std::initializer_list<std::string_view> names) const {
  for (const JsonMember& member : value_.Members()) {
    if (std::ranges::find(names, member.key) == names.end()) {
      return Error{
          Errc::kUnsupported, *subject_,
          fmt::format("it has {}, which is not known here", PlaceOf(EscapeForPeople(member.key)))};
    }
  }
  return {};
}

std::optional<JsonValue> ProtoObject::Find(std::string_view name) const {
  const auto value = value_.Find(name);
  if (!value || value->GetKind() == JsonValue::Kind::kNull) return std::nullopt;
  return value;
}

Result<ProtoObject> ProtoObject::Object(std::string_view name) const {
  const auto value = Find(name);
  if (!value || !value->IsObject()) return Malformed(name, "an object");
  return ProtoObject(*value, PlaceOf(name), *subject_);
}

Result<std::vector<ProtoObject>> ProtoObject::Objects(std::string_view name) const {
  const auto list = Find(name);
  if (!list || !list->IsArray()) return Malformed(name, "a list");
  std::vector<ProtoObject> objects;
  for (const JsonValue& value : list->Items()) {
    if (!value.IsObject()) return Malformed(name, "a list of objects");
    objects.push_back(
        ProtoObject(value, fmt::format("{}[{}]", PlaceOf(name), objects.size()), *subject_));
  }
  return objects;
}

Result<std::string> ProtoObject::Text(std::string_view name) const {
  const auto value = Find(name);
  const auto text = value ? value->AsString() : std::nullopt;
  if (!text) return Malformed(name, "a text");
  return std::string(*text);
}

Result<std::string> ProtoObject::Bytes(std::string_view name) const {
  const std::string text = HM_TRY(Text(name));
  const auto bytes = FromBase64(text);
  if (!bytes) return Malformed(name, "base64");
  return *bytes;
}

Result<std::string> ProtoObject::WrappedBytes(std::string_view name) const {
  std::string text = HM_TRY(Text(name));
  std::erase(text, '\n');
  const auto bytes = FromBase64(text);
  if (!bytes) return Malformed(name, "base64");
  return *bytes;
}

Result<std::vector<std::string>> ProtoObject::BytesList(std::string_view name) const {
  const auto list = Find(name);
  if (!list || !list->IsArray()) return Malformed(name, "a list");
  std::vector<std::string> items;
  for (const JsonValue& value : list->Items()) {
    const auto text = value.AsString();
    const auto bytes = text ? FromBase64(*text) : std::nullopt;
    if (!bytes) return Malformed(name, "a list of base64");
    items.push_back(*bytes);
  }
  return items;
}

Result<std::uint64_t> ProtoObject::Number(std::string_view name) const {
  const auto value = Find(name);
  const auto text = value ? value->AsString() : std::nullopt;
  const auto number = text ? ParseDecimal(*text) : value ? value->AsU64() : std::nullopt;
  if (!number || *number > INT64_MAX) return Malformed(name, "a whole number from 0 to 2^63 - 1");
  return *number;
}

Error ProtoObject::Malformed(std::string_view name, std::string_view wanted) const {
  return {Errc::kMalformed, *subject_, fmt::format("{} is not {}", PlaceOf(name), wanted)};
}

Result<Digest> ReadProtoDigest(const ProtoObject& object) {
  const std::string name = HM_TRY(object.Text("algorithm"));
  const std::string bytes = HM_TRY(object.Bytes("digest"));
  constexpr std::array<std::pair<std::string_view, Algorithm>, 3> kNames = {
      {{"SHA2_256", Algorithm::kSha256},
       {"SHA2_384", Algorithm::kSha384},
       {"SHA2_512", Algorithm::kSha512}}};
  for (const auto& [known, algorithm] : kNames) {
    if (name != known) continue;
    if (bytes.size() != InfoOf(algorithm).digest_bytes) {
      return object.Malformed("digest", fmt::format("as long as a {} digest", name));
    }
    return Digest(algorithm, AsBytes(bytes));
  }
  return object.Malformed("algorithm", "SHA2_256, SHA2_384 or SHA2_512");
}

std::string ProtoObject::PlaceOf(std::string_view name) const {
  return place_.empty() ? std::string(name) : fmt::format("{}.{}", place_, name);
}

}  // namespace hallmark
