// Times that signatures, logs and certificates state: whole seconds since 1970, UTC. Fractions are
// dropped wherever one is read, so that both ends of a period round the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hallmark {

// A closed interval.
struct ValidityPeriod {
  std::int64_t start = 0;
  std::optional<std::int64_t> end = std::nullopt;

  bool Has(std::int64_t time) const { return start <= time && (!end || time <= *end); }
};

// "2025-01-31T12:00:00Z" or "…00.123Z" (RFC 3339 in UTC), from 1970 to 9999.
std::optional<std::int64_t> ParseUtcTime(std::string_view text);
// The same form, for people; a number where no calendar has the time.
std::string UnixTimeText(std::int64_t time);

}  // namespace hallmark
