// The textual arguments of pickle's older opcodes, read as Python reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace hallmark {

// A decimal, 0x, 0o or 0b integer as int(text, 0) takes it: sign, underscores and surrounding space
// allowed. Too wide for 64 bits: its two's complement, little-endian (a decimal one beyond that is
// kept as its digits' bytes: only its being an integer matters). nullopt if it is none.
struct PickleInteger {
  std::optional<std::int64_t> value;
  std::string wide;
};
std::optional<PickleInteger> ParsePickleInteger(std::string_view text);

// float(text), NaN and infinities included.
std::optional<double> ParsePickleFloat(std::string_view text);

// The argument of STRING: a quoted literal with backslash escapes.
std::optional<std::string> ParsePickleString(std::string_view text);

// The argument of UNICODE (raw-unicode-escape), as UTF-8.
std::optional<std::string> ParseRawUnicode(std::string_view text);

// UTF-8 in which surrogates may stand alone, as Python's "surrogatepass" handler decodes it.
bool IsPickleUtf8(std::string_view text);

// Two's complement, little-endian, at most 8 bytes.
std::int64_t SmallTwosComplement(std::string_view bytes);

}  // namespace hallmark
