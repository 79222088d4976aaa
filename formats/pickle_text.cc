#include "formats/pickle_text.h"

#include <charconv>
#include <cmath>

#include "src/base/text.h"

namespace hallmark {
namespace {

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

void AppendUtf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// `digits` hex digits from text[at]; nullopt if there are fewer.
std::optional<std::uint32_t> HexAt(std::string_view text, std::size_t at, std::size_t digits) {
  if (text.size() - at < digits) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int digit = DigitValue(text[at + i]);
    if (digit > 15) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

}  // namespace

std::optional<PickleInteger> ParsePickleInteger(std::string_view text) {
  text = TrimAscii(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    if (base != 10) text.remove_prefix(2);
  }
  if (text.empty() || text.back() == '_') return std::nullopt;
  // Octal to Python's C unpickler, an error to its other one.
  const bool leads_with_zero = base == 10 && text[0] == '0';
  if (leads_with_zero && text.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
  std::uint64_t magnitude = 0;
  bool wide = false;
  bool after_underscore = base == 10;  // a leading one is an error only in decimals
  for (const char c : text) {
    if (c == '_') {
      if (after_underscore) return std::nullopt;
      after_underscore = true;
      continue;
    }
    after_underscore = false;
    const int digit = DigitValue(c);
    if (digit >= base) return std::nullopt;
    wide = wide || __builtin_mul_overflow(magnitude, static_cast<std::uint64_t>(base), &magnitude);
    wide = wide || __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(digit), &magnitude);
  }
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (wide || magnitude > limit || (magnitude == limit && !negative)) {
    return PickleInteger{std::nullopt, std::string(text)};
  }
  return PickleInteger{static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude), {}};
}

std::optional<double> ParsePickleFloat(std::string_view text) {
  text = TrimAscii(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    // Python rounds to zero or infinity; which of them follows from the exponent's sign.
    const bool tiny =
        text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
    value = tiny ? 0.0 : HUGE_VAL;
    return text.starts_with('-') ? -value : value;
  }
  if (code != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::string> ParsePickleString(std::string_view text) {
  text = TrimAscii(text);
  if (text.size() < 2 || text.front() != text.back() ||
      (text.front() != '\'' && text.front() != '"')) {
    return std::nullopt;
  }
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    static constexpr std::string_view kLetters = "abtnvfr\\'\"";
    static constexpr std::string_view kValues = "\a\b\t\n\v\f\r\\'\"";
    if (const std::size_t found = kLetters.find(text[i]); found != std::string_view::npos) {
      out += kValues[found];
    } else if (text[i] == 'x') {
      const auto value = HexAt(text, i + 1, 2);
      if (!value) return std::nullopt;
      out += static_cast<char>(*value);
      i += 2;
    } else if (text[i] >= '0' && text[i] <= '7') {
      unsigned value = 0;
      std::size_t digits = 0;
      while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' &&
             text[i + digits] <= '7') {
        value = value * 8 + static_cast<unsigned>(text[i + digits] - '0');
        ++digits;
      }
      out += static_cast<char>(value);
      i += digits - 1;
    } else {
      out += '\\';
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> ParseRawUnicode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte != '\\' || i + 1 == text.size()) {
      AppendUtf8(out, byte);
      continue;
    }
    const char letter = text[i + 1];
    if (letter != 'u' && letter != 'U') {
      // Only an odd run of backslashes escapes; take the pair as it is.
      AppendUtf8(out, byte);
      AppendUtf8(out, static_cast<unsigned char>(letter));
      ++i;
      continue;
    }
    const std::size_t digits = letter == 'u' ? 4 : 8;
    const auto code = HexAt(text, i + 2, digits);
    if (!code || *code > 0x10ffff) return std::nullopt;
    AppendUtf8(out, *code);
    i += 1 + digits;
  }
  return out;
}

bool IsPickleUtf8(std::string_view text) {
  // Surrogates are ED A0..BF xx; cut them out and the rest must be plain UTF-8. ED never continues
  // a sequence, so cutting cannot join two halves into something valid.
  while (true) {
    std::size_t at = 0;
    while (true) {
      at = text.find('\xed', at);
      if (at == std::string_view::npos) return IsValidUtf8(text);
      if (text.size() - at >= 3 && (static_cast<unsigned char>(text[at + 1]) & 0xe0) == 0xa0 &&
          (static_cast<unsigned char>(text[at + 2]) & 0xc0) == 0x80) {
        break;
      }
      ++at;
    }
    if (!IsValidUtf8(text.substr(0, at))) return false;
    text.remove_prefix(at + 3);
  }
}

std::int64_t SmallTwosComplement(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  const std::size_t bits = bytes.size() * 8;
  if (bits != 0 && bits < 64 && (value >> (bits - 1) & 1) != 0) value |= ~std::uint64_t{0} << bits;
  return static_cast<std::int64_t>(value);
}

}  // namespace hallmark
