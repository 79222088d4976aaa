// The members of a statement's objects, each checked for its kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/json/json_reader.h"

namespace hallmark {

// Errors are kMalformed and name the member. Refers to `subject`, which must outlive it.
class JsonFields {
 public:
  explicit JsonFields(const std::string& subject) : subject_(subject) {}

  // "its "KEY" is not WANTED".
  Error Malformed(std::string_view key, std::string_view wanted) const;

  Result<JsonValue> Object(const JsonValue& object, std::string_view key) const;
  Result<std::vector<JsonValue>> Array(const JsonValue& object, std::string_view key) const;
  Result<std::string> Text(const JsonValue& object, std::string_view key) const;
  Result<std::uint64_t> Number(const JsonValue& object, std::string_view key) const;
  Result<std::vector<std::string>> Texts(const JsonValue& object, std::string_view key) const;

 private:
  const std::string& subject_;
};

}  // namespace hallmark
