// Base64 as signatures and statements carry it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hallmark {

// RFC 4648, section 4, in its one canonical form: padded, nothing else between or after the digits,
// no bits left over. nullopt for any other text.
std::optional<std::string> FromBase64(std::string_view text);
std::string ToBase64(std::string_view bytes);  // that form

}  // namespace hallmark
