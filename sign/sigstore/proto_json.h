// Objects in protobuf's JSON form, as Sigstore's files have them: bytes as base64, 64-bit integers
// as texts, null for a member that is not there.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/hash/digest.h"
#include "src/json/json_reader.h"

namespace hallmark {

// One object; errors are kMalformed and name the member with its place. Refers to the document and
// to `subject`, which must outlive it.
class ProtoObject {
 public:
  static Result<ProtoObject> From(const JsonValue& value, std::string place,
                                  const std::string& subject);

  // kUnsupported if it has any other member.
  Result<void> AllowOnly(std::initializer_list<std::string_view> names) const;

  bool Has(std::string_view name) const { return Find(name).has_value(); }
  std::optional<JsonValue> Find(std::string_view name) const;  // nullopt also for null
  Result<ProtoObject> Object(std::string_view name) const;
  Result<std::vector<ProtoObject>> Objects(std::string_view name) const;
  Result<std::string> Text(std::string_view name) const;
  Result<std::string> Bytes(std::string_view name) const;         // strict, standard base64
  Result<std::string> WrappedBytes(std::string_view name) const;  // the same, maybe in lines
  Result<std::vector<std::string>> BytesList(std::string_view name) const;
  Result<std::uint64_t> Number(std::string_view name) const;  // from 0 to 2^63 - 1

  // kMalformed: "PLACE.NAME is not WANTED".
  Error Malformed(std::string_view name, std::string_view wanted) const;

 private:
  ProtoObject(const JsonValue& value, std::string place, const std::string& subject)
      : value_(value), place_(std::move(place)), subject_(&subject) {}
  std::string PlaceOf(std::string_view name) const;

  JsonValue value_;
  std::string place_;  // empty: the whole file
  const std::string* subject_;
};

// {"algorithm": "SHA2_256", "digest": base64}: SHA-256, SHA-384 or SHA-512. Errors: kMalformed.
Result<Digest> ReadProtoDigest(const ProtoObject& object);

}  // namespace hallmark
