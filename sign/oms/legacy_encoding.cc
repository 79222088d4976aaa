#include "sign/oms/legacy_encoding.h"

#include <fmt/format.h>

namespace hallmark {

std::string PythonBytesText(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const bool has_single = bytes.find('\'') != std::string_view::npos;
  const char quote = has_single && bytes.find('"') == std::string_view::npos ? '"' : '\'';
  std::string text = "b";
  text += quote;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\t' || c == '\n' || c == '\r') {
      text += c == '\t' ? "\\t" : c == '\n' ? "\\n" : "\\r";
    } else if (code < 0x20 || code > 0x7e) {
      text += "\\x";
      text += kDigits[code >> 4];
      text += kDigits[code & 15];
    } else {
      text += c;
    }
  }
  text += quote;
  return text;
}

std::string LegacyPreAuthEncoding(std::string_view payload_type, std::string_view payload) {
  return fmt::format("DSSEV1 {} {} {} {}", payload_type.size(), payload_type, payload.size(),
                     PythonBytesText(payload));
}

}  // namespace hallmark
