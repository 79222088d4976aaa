#include "sign/sigstore/unix_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kSecondsEnd = 19;  // of "2025-01-31T12:00:00"
constexpr std::int64_t kYear10000 = 253402300800;

unsigned Digits(std::string_view text, std::size_t at, std::size_t count) {
  return static_cast<unsigned>(*ParseDecimal(text.substr(at, count)));
}

bool IsFraction(std::string_view text) {
  return text.empty() ||
         (text.size() >= 2 && text.size() <= 10 && text[0] == '.' &&
          std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

std::optional<std::int64_t> ParseUtcTime(std::string_view text) {
  namespace time = std::chrono;
  if (text.size() <= kSecondsEnd || !text.ends_with('Z')) return std::nullopt;
  const std::string seconds = std::string(text.substr(0, kSecondsEnd)) + "Z";
  text.remove_suffix(1);
  if (!IsUtcText(seconds) || !IsFraction(text.substr(kSecondsEnd))) return std::nullopt;
  const time::year_month_day date(time::year(static_cast<int>(Digits(text, 0, 4))),
                                  time::month(Digits(text, 5, 2)), time::day(Digits(text, 8, 2)));
  const unsigned hour = Digits(text, 11, 2), minute = Digits(text, 14, 2);
  const unsigned second = Digits(text, 17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::int64_t days = time::sys_days(date).time_since_epoch().count();
  if (days < 0) return std::nullopt;
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

std::string UnixTimeText(std::int64_t unix) {
  namespace time = std::chrono;
  if (unix < 0 || unix >= kYear10000) return fmt::format("{}", unix);
  const time::sys_seconds moment{time::seconds(unix)};
  const auto day = time::floor<time::days>(moment);
  const time::year_month_day date(day);
  const time::hh_mm_ss clock(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace hallmark
