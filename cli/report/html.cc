#include "cli/report/html.h"

#include <fmt/format.h>

#include <span>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

// The first place at or before `at` where a character of UTF-8 begins.
std::size_t CharacterAt(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string CutForPeople(std::string_view text, std::size_t limit) {
  std::string shown = EscapeForPeople(text);
  if (shown.size() <= limit) return shown;
  const std::size_t head = CharacterAt(shown, limit - limit / 4);
  const std::size_t tail = CharacterAt(shown, shown.size() - limit / 4);
  return fmt::format("{} […{} more bytes…] {}", std::string_view(shown).substr(0, head),
                     tail - head, std::string_view(shown).substr(tail));
}

std::string HtmlFromFile(std::string_view text, std::size_t limit) {
  return EscapeHtml(CutForPeople(text, limit));
}

std::string JsonForHtml(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (const auto three = json.substr(i, 3);
               three == "\xE2\x80\xA8" || three == "\xE2\x80\xA9") {
      out += three[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

std::string CspHash(std::string_view text) {
  const Digest digest = HashBytes(Algorithm::kSha256, std::as_bytes(std::span(text)));
  const ByteSpan bytes = digest.Bytes();
  return fmt::format("'sha256-{}'",
                     ToBase64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

std::string HtmlText(const HtmlPage& page) {
  // Trusted types: no text ever becomes markup.
  const std::string policy = fmt::format(
      "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; "
      "require-trusted-types-for 'script'",
      CspHash(page.script), CspHash(page.style));
  // The policy stands before what it governs.
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{}</title>
<style>{}</style>
</head>
<body>
{}<script>{}</script>
</body>
</html>
)",
                     policy, EscapeHtml(page.title), page.style, page.body, page.script);
}

}  // namespace hallmark
