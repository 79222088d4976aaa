#include "sign/detached/allowed_signers.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "sign/detached/sshsig.h"
#include "sign/keys/ssh_public_key.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxBytes = 65536;
constexpr std::string_view kBlanks = " \t";

// The next word of `line`; blanks between quotes belong to it. nullopt: a quote without its end.
std::optional<std::string_view> TakeWord(std::string_view& line) {
  line = TrimAscii(line);
  bool quoted = false;
  std::size_t end = 0;
  for (; end < line.size() && (quoted || kBlanks.find(line[end]) == std::string_view::npos);
       ++end) {
    if (line[end] == '"') quoted = !quoted;
  }
  if (quoted) return std::nullopt;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::string_view Unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"'
             ? text.substr(1, text.size() - 2)
             : text;
}

// `text` up to the next comma that is not quoted; `text` becomes what follows it.
std::string_view TakeItem(std::string_view& text) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != ','); ++end) {
    if (text[end] == '"') quoted = !quoted;
  }
  const std::string_view item = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return item;
}

// "*" is any characters, "?" is one. In time of the product of the lengths.
bool MatchesPattern(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// A list of patterns, of which one must match and none with "!".
bool MatchesList(std::string_view text, std::string_view patterns) {
  bool found = false;
  while (!patterns.empty()) {
    const std::string_view pattern = TakeItem(patterns);
    if (pattern.starts_with('!')) {
      if (MatchesPattern(text, pattern.substr(1))) return false;
    } else {
      found = found || MatchesPattern(text, pattern);
    }
  }
  return found;
}

// YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, of UTC with a "Z" behind it, else local.
std::optional<std::int64_t> ParseTime(std::string_view text) {
  const bool utc = text.ends_with('Z');
  if (utc) text.remove_suffix(1);
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) -> int {
    if (at >= text.size()) return 0;
    const auto number = ParseDecimal(text.substr(at, size));
    return number ? static_cast<int>(*number) : -1;
  };
  std::tm time{};
  time.tm_year = part(0, 4) - 1900;
  time.tm_mon = part(4, 2) - 1;
  time.tm_mday = part(6, 2);
  time.tm_hour = part(8, 2);
  time.tm_min = part(10, 2);
  time.tm_sec = part(12, 2);
  time.tm_isdst = -1;
  std::tm normal = time;
  const std::time_t seconds = utc ? timegm(&normal) : std::mktime(&normal);
  // What the calendar does not have comes back as another day.
  if (time.tm_year < 70 || normal.tm_mon != time.tm_mon || normal.tm_mday != time.tm_mday ||
      time.tm_hour < 0 || time.tm_hour > 23 || time.tm_min < 0 || time.tm_min > 59 ||
      time.tm_sec < 0 || time.tm_sec > 59) {
    return std::nullopt;
  }
  return seconds;
}

// Why a key with these options may not sign for hallmark at `now`; empty: it may. nullopt: the
// options are broken.
std::optional<std::string> ObjectionOf(std::string_view options, std::int64_t now) {
  std::string objection;
  while (!options.empty()) {
    const std::string_view option = TakeItem(options);
    const std::size_t equals = option.find('=');
    const std::string key = AsciiLower(option.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? "" : Unquoted(option.substr(equals + 1));
    if (key == "cert-authority" && equals == std::string_view::npos) {
      objection = "certificates are not supported";
    } else if (key == "namespaces" && !value.empty()) {
      if (!MatchesList(kSshNamespace, value)) {
        objection = fmt::format("it is for the namespaces {}, not for {}", EscapeForPeople(value),
                                kSshNamespace);
      }
    } else if (key == "valid-after" || key == "valid-before") {
      const auto time = ParseTime(value);
      if (!time) return std::nullopt;
      if (key == "valid-after" ? now < *time : now > *time) {
        objection = fmt::format("it is only valid {} {}", key.substr(6), EscapeForPeople(value));
      }
    } else {
      return std::nullopt;
    }
  }
  return objection;
}

class Reader {
 public:
  Reader(const std::string& subject, std::int64_t now) : subject_(subject), now_(now) {}

  Result<void> AddLine(std::string_view line, std::size_t number) {
    const Error malformed{Errc::kMalformed, subject_,
                          fmt::format("line {} is no allowed signer", number)};
    const std::string_view whole = line;
    const auto principals = TakeWord(line);
    if (!principals) return malformed;
    if (IsSshKeyType(*principals)) return AddKey("", "", whole, number);
    std::string_view key_line = TrimAscii(line);
    const auto options = TakeWord(line);
    if (!options) return malformed;
    if (IsSshKeyType(*options)) return AddKey(Unquoted(*principals), "", key_line, number);
    key_line = TrimAscii(line);
    if (!IsSshKeyType(key_line)) return malformed;
    return AddKey(Unquoted(*principals), *options, key_line, number);
  }

  Result<NamedKeys> Take() {
    if (!found_.keys.empty()) return std::move(found_);
    return Error{Errc::kUntrusted, subject_,
                 found_.left_out.empty()
                     ? "it has no key"
                     : fmt::format("it has no key that may sign: {}", found_.left_out.front())};
  }

 private:
  Result<void> AddKey(std::string_view principals, std::string_view options,
                      std::string_view key_line, std::size_t number) {
    const auto objection = ObjectionOf(options, now_);
    if (!objection) {
      return Error{Errc::kMalformed, subject_,
                   fmt::format("line {} has options that are not known: {}", number,
                               EscapeForPeople(options))};
    }
    auto parsed = ParseSshKeyLine(key_line, subject_);
    if (!parsed && parsed.error().code != Errc::kUnsupported) {
      return Error{Errc::kMalformed, subject_,
                   fmt::format("line {}: {}", number, parsed.error().message)};
    }
    const std::string why = parsed ? *objection : parsed.error().message;
    if (!why.empty()) {
      found_.left_out.push_back(fmt::format("line {}: {}", number, why));
      return {};
    }
    std::string name(principals.empty() ? parsed->comment : principals);
    if (name.empty()) name = parsed->key.Fingerprint().ToString();
    found_.keys.push_back({std::move(name), std::move(parsed->key)});
    return {};
  }

  const std::string& subject_;
  std::int64_t now_;
  NamedKeys found_;
};

// Calls `visit` with each line that is no comment and its number, until it returns false.
template <typename Visit>
void ForEachLine(std::string_view text, Visit visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view trimmed = TrimAscii(line);
    if (!trimmed.empty() && !trimmed.starts_with('#') && !visit(trimmed, number)) return;
  }
}

bool HasKey(std::string_view line) {
  auto word = TakeWord(line);
  while (word && !word->empty() && !IsSshKeyType(*word)) word = TakeWord(line);
  return word && IsSshKeyType(*word);
}

}  // namespace

bool IsAllowedSigners(std::string_view text) {
  std::size_t lines = 0;
  bool all_have_keys = true, some_have_principals = false;
  ForEachLine(text, [&](std::string_view line, std::size_t) {
    ++lines;
    some_have_principals = some_have_principals || !IsSshKeyType(line);
    all_have_keys = HasKey(line);
    return all_have_keys;
  });
  return all_have_keys && (lines > 1 || some_have_principals);
}

Result<NamedKeys> ParseAllowedSigners(std::string_view text, const std::string& subject,
                                      std::int64_t now) {
  if (text.size() > kMaxBytes) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("too large for a list of signers: got {} bytes, limit {}", text.size(),
                             kMaxBytes)};
  }
  Reader reader(subject, now);
  Result<void> added;
  ForEachLine(text, [&](std::string_view line, std::size_t number) {
    added = reader.AddLine(line, number);
    return added.has_value();
  });
  if (!added) return added.error();
  return reader.Take();
}

}  // namespace hallmark
