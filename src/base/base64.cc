#include "src/base/base64.h"

#include <cstdint>

namespace hallmark {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t bits = 0;
    for (std::size_t d = 0; d < 4; ++d) {
      const std::size_t value = d < digits ? kAlphabet.find(text[i + d]) : 0;
      if (value == std::string_view::npos) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    // One text for each sequence of bytes: the bits that padding leaves over are zero.
    if ((bits & ((std::uint32_t{1} << (8 * (4 - digits))) - 1)) != 0) return std::nullopt;
    for (std::size_t b = 0; b + 1 < digits; ++b) bytes += static_cast<char>(bits >> (16 - 8 * b));
  }
  return bytes;
}

std::string ToBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t b = 0; b < 3; ++b) {
      bits = bits << 8 | (b < count ? static_cast<unsigned char>(bytes[i + b]) : 0u);
    }
    for (std::size_t d = 0; d < 4; ++d) {
      text += d <= count ? kAlphabet[bits >> (18 - 6 * d) & 63] : '=';
    }
  }
  return text;
}

}  // namespace hallmark
