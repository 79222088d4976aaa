// Text from files is data: hex, UTF-8 checks, escaping for people, natural order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"

namespace hallmark {

std::string ToHex(ByteSpan bytes);  // lower case
// Either case; nullopt unless an even number of hex digits and nothing else.
std::optional<std::vector<std::byte>> FromHex(std::string_view hex);

// Decimal digits and nothing else, of a number of 64 bits.
std::optional<std::uint64_t> ParseDecimal(std::string_view text);

bool IsValidUtf8(std::string_view text);  // RFC 3629: no surrogates, no overlong forms

// One printable line: control characters, bidirectional and other format characters, line
// separators, backslashes and invalid bytes become \n, \t, \\, \xHH or \u{H}. Never empty: an empty
// text becomes two quotes.
std::string EscapeForPeople(std::string_view text);

// A text that stands in `texts` more than once, if any does. Never slower than sorting them.
std::optional<std::string_view> FindRepeated(std::span<const std::string_view> texts);

// "model-2" before "model-10"; ties broken by bytes.
bool NaturalLess(std::string_view a, std::string_view b);

// Optimal string alignment distance: characters inserted, deleted, replaced, neighbours swapped.
// Takes time and memory in proportion to the product of the lengths.
std::size_t EditDistance(std::string_view a, std::string_view b);

// What stands behind the last "/"; all of it if there is none.
std::string_view LastComponent(std::string_view path);

std::string AsciiLower(std::string_view text);
std::string_view TrimAscii(std::string_view text);

// "2025-01-31T12:00:00Z": ISO 8601, UTC, whole seconds; the earlier text is of the earlier time.
std::string UtcText(std::chrono::system_clock::time_point time);
bool IsUtcText(std::string_view text);  // of that form; no calendar is asked
// Unix seconds of "2026-12-31", which is its midnight, of "2026-12-31T12:00:00Z", or of these
// seconds themselves; UTC, of the years 1970 to 9999. nullopt: none of these, or no such day.
std::optional<std::uint64_t> ParseUtc(std::string_view text);

// 1234567 -> "1.2 MB"; decimal units, as disks and hubs state sizes.
std::string HumanBytes(std::uint64_t bytes);
// "5GB" and "5G" are 5 * 10^9, "4GiB" is 4 * 2^30, in either case; digits alone are bytes. nullopt:
// it is none of these, or more than 2^64.
std::optional<std::uint64_t> ParseByteSize(std::string_view text);

}  // namespace hallmark
