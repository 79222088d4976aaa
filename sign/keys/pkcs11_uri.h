// Names of keys on tokens: URIs of RFC 7512.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

bool IsPkcs11Uri(std::string_view text);  // by its scheme

// Each unset one fits every token and key.
struct Pkcs11Uri {
  std::optional<std::string> token, serial, manufacturer, model;  // of the token
  std::optional<std::string> object;                              // the key's label
  std::optional<std::string> id;                                  // the key's, in bytes
};

// Errors: kMalformed; kUnsupported (other attributes, which would say more than is looked at);
// kUsage (a PIN, which does not belong where others can read it, or a module).
Result<Pkcs11Uri> ParsePkcs11Uri(std::string_view text);

}  // namespace hallmark
