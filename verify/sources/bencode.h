// The one strict reader of bencode (BEP 3): canonical form only, so that a text has one meaning.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace hallmark {

// A value and, of lists and dictionaries, what it holds. Texts look into the parsed bytes, which
// must outlive it.
struct BencodeValue {
  enum class Kind : std::uint8_t { kInteger, kText, kList, kDictionary };

  Kind kind = Kind::kInteger;
  std::int64_t integer = 0;
  std::string_view text;            // raw bytes
  std::vector<BencodeValue> items;  // of a dictionary in the order of their keys
  std::string_view key;             // of an item of a dictionary
  std::uint64_t offset = 0;         // of the value's first byte

  // Null where this is no dictionary, has no such key, or holds another kind under it.
  const BencodeValue* Find(std::string_view key, Kind kind) const;
};

// The value that is all of `text`. Errors: kMalformed, naming the byte: keys out of order or twice,
// numbers with leading zeros, trailing bytes, more than 64 levels; kUnsupported beyond two million
// values.
Result<BencodeValue> ParseBencode(std::string_view text);

}  // namespace hallmark
