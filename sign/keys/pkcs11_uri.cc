#include "sign/keys/pkcs11_uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kScheme = "pkcs11:";
constexpr std::size_t kMaxBytes = 4096;

std::optional<std::string> Unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text[0] != '%') {
      plain += text[0];
      text.remove_prefix(1);
      continue;
    }
    const auto byte = text.size() >= 3 ? FromHex(text.substr(1, 2)) : std::nullopt;
    if (!byte) return std::nullopt;
    plain += AsText(*byte);
    text.remove_prefix(3);
  }
  return plain;
}

// The part of `text` up to `separator`; `text` becomes what follows it.
std::string_view TakePart(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

// Never with the value: it may be a PIN.
Error RefusalOf(std::string_view key) {
  if (key == "pin-value" || key == "pin-source") {
    return {Errc::kUsage, "pkcs11 URI", "a PIN does not belong into a key's URI", std::nullopt,
            "it is asked for, or read as a password is"};
  }
  if (key == "module-path" || key == "module-name") {
    return {Errc::kUsage, "pkcs11 URI", "the module is not taken from a key's URI", std::nullopt,
            "name it with --pkcs11-module"};
  }
  return {Errc::kUnsupported, "pkcs11 URI",
          fmt::format("the attribute {} is not known", EscapeForPeople(key.substr(0, 64)))};
}

Result<void> SetAttribute(std::string_view key, std::string_view value, Pkcs11Uri& uri) {
  const std::pair<std::string_view, std::optional<std::string>*> known[] = {
      {"token", &uri.token}, {"serial", &uri.serial}, {"manufacturer", &uri.manufacturer},
      {"model", &uri.model}, {"object", &uri.object}, {"id", &uri.id}};
  const auto found = std::ranges::find(known, key, [](const auto& pair) { return pair.first; });
  if (found == std::end(known)) {
    if (key == "type" && value == "private") return {};
    return RefusalOf(key);
  }
  auto plain = Unescape(value);
  if (!plain || found->second->has_value()) {
    return Error{Errc::kMalformed, "pkcs11 URI",
                 fmt::format("the attribute {} is broken or there twice", key)};
  }
  *found->second = std::move(plain);
  return {};
}

}  // namespace

bool IsPkcs11Uri(std::string_view text) { return text.starts_with(kScheme); }

Result<Pkcs11Uri> ParsePkcs11Uri(std::string_view text) {
  if (!IsPkcs11Uri(text) || text.size() > kMaxBytes) {
    return Error{Errc::kMalformed, "pkcs11 URI", "it is no URI of a key on a token"};
  }
  text.remove_prefix(kScheme.size());
  std::string_view path = TakePart(text, '?');
  if (!text.empty()) return RefusalOf(text.substr(0, text.find_first_of("=&")));
  Pkcs11Uri uri;
  while (!path.empty()) {
    std::string_view value = TakePart(path, ';');
    const std::string_view key = TakePart(value, '=');
    HM_TRY(SetAttribute(key, value, uri));
  }
  return uri;
}

}  // namespace hallmark
