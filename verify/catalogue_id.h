// The written form of catalogue ids and weight identities.
#pragma once

#include <string_view>

namespace hallmark {

// "release/model": two or more parts of letters, digits, '.', '_' and '-', at most 200 bytes; no
// part starts with '.' or '-'.
bool IsCatalogueId(std::string_view id);

// "hm1:" or "hm1raw:" and 64 lower-case hex digits.
bool IsWeightIdentity(std::string_view text);

}  // namespace hallmark
