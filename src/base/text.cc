#include "src/base/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>

#include "src/base/checked.h"

namespace hallmark {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Decodes one code point at `text[i]`; returns its length in bytes, or 0 if invalid.
std::size_t DecodeUtf8(std::string_view text, std::size_t i, char32_t* code) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  if (lead < 0x80) {
    *code = lead;
    return 1;
  }
  std::size_t length;
  char32_t least;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2, least = 0x80, *code = lead & 0x1Fu;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, least = 0x800, *code = lead & 0x0Fu;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, least = 0x10000, *code = lead & 0x07u;
  } else {
    return 0;
  }
  if (i + length > text.size()) return 0;
  for (std::size_t k = i + 1; k < i + length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
    *code = (*code << 6) | (byte(k) & 0x3Fu);
  }
  if (*code < least || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) return 0;
  return length;
}

// Characters that could move, hide or reorder what a terminal shows.
bool IsUnsafeToShow(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE0FFF) || (c >= 0xE000 && c <= 0xF8FF);
}

}  // namespace

std::string ToHex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    hex += kDigits[std::to_integer<unsigned>(b) >> 4];
    hex += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return hex;
}

std::optional<std::vector<std::byte>> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return bytes;
}

std::optional<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool IsValidUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    char32_t code;
    const std::size_t length = DecodeUtf8(text, i, &code);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string EscapeForPeople(std::string_view text) {
  if (text.empty()) return "\"\"";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    char32_t code;
    const std::size_t length = DecodeUtf8(text, i, &code);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      ++i;
      continue;
    }
    if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\\') {
      out += "\\\\";
    } else if (IsUnsafeToShow(code)) {
      out += code < 0x80 ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                         : fmt::format("\\u{{{:x}}}", static_cast<unsigned>(code));
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::optional<std::string_view> FindRepeated(std::span<const std::string_view> texts) {
  static constexpr std::size_t kFew = 8;  // so few are compared sooner than sorted
  if (texts.size() <= kFew) {
    for (std::size_t i = 1; i < texts.size(); ++i) {
      if (std::ranges::find(texts.first(i), texts[i]) !=
          texts.begin() + static_cast<std::ptrdiff_t>(i))
        return texts[i];
    }
    return std::nullopt;
  }
  // Hashes first: names of tensors have long beginnings in common. Texts of one hash, which hostile
  // files can bring about, are then told apart by their bytes.
  std::vector<std::pair<std::size_t, std::string_view>> hashed;
  hashed.reserve(texts.size());
  for (const std::string_view text : texts) {
    hashed.emplace_back(std::hash<std::string_view>()(text), text);
  }
  std::ranges::sort(hashed);
  const auto repeated = std::ranges::adjacent_find(hashed);
  if (repeated == hashed.end()) return std::nullopt;
  return repeated->second;
}

bool NaturalLess(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const auto run = [](std::string_view text, std::size_t& at) {
        while (at + 1 < text.size() && text[at] == '0' && IsDigit(text[at + 1])) ++at;
        const std::size_t start = at;
        while (at < text.size() && IsDigit(text[at])) ++at;
        return text.substr(start, at - start);
      };
      const std::string_view x = run(a, i);
      const std::string_view y = run(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      continue;
    }
    if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    }
    ++i;
    ++j;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string_view LastComponent(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view TrimAscii(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string UtcText(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

bool IsUtcText(std::string_view text) {
  return std::ranges::equal(text, std::string_view("0000-00-00T00:00:00Z"),
                            [](char c, char form) { return form == '0' ? IsDigit(c) : c == form; });
}

std::optional<std::uint64_t> ParseUtc(std::string_view text) {
  constexpr std::uint64_t kLast = 253'402'300'799;  // of the year 9999
  const std::string whole =
      text.size() == 10 && text[4] == '-' ? std::string(text) + "T00:00:00Z" : std::string(text);
  if (!IsUtcText(whole)) {
    const auto seconds = ParseDecimal(text);
    return seconds && *seconds <= kLast ? seconds : std::nullopt;
  }
  const auto field = [&](std::size_t at, std::size_t digits) {
    return static_cast<unsigned>(*ParseDecimal(std::string_view(whole).substr(at, digits)));
  };
  namespace chrono = std::chrono;
  const chrono::year_month_day day{chrono::year(static_cast<int>(field(0, 4))),
                                   chrono::month(field(5, 2)), chrono::day(field(8, 2))};
  const unsigned hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto days = chrono::sys_days(day).time_since_epoch().count();
  if (days < 0) return std::nullopt;
  return static_cast<std::uint64_t>(days) * 86'400 + hour * 3600 + minute * 60 + second;
}

std::string HumanBytes(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  static constexpr std::array kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::optional<std::uint64_t> ParseByteSize(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string unit(end, text.data() + text.size());
  for (char& c : unit) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (unit.empty() || unit == "B") return number;
  const std::size_t power = std::string_view("KMGT").find(unit[0]) + 1;
  if (power == std::string_view::npos + 1) return std::nullopt;
  const std::string_view rest = std::string_view(unit).substr(1);
  if (!rest.empty() && rest != "B" && rest != "IB") return std::nullopt;
  const std::uint64_t factor = rest == "IB" ? 1024 : 1000;
  for (std::size_t i = 0; i < power; ++i) {
    const auto product = CheckedMul(number, factor);
    if (!product) return std::nullopt;
    number = *product;
  }
  return number;
}

}  // namespace hallmark
