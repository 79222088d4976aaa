// What any HTML report shares: escaping, and the frame of one offline page that may run its own
// script, use its own style and do nothing else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hallmark {

// For content and for attributes in quotes.
std::string EscapeHtml(std::string_view text);

// Text from a file for people: made visible as EscapeForPeople does, cut in the middle where it
// takes more than `limit` bytes then, and escaped. Never empty: two quotes.
std::string HtmlFromFile(std::string_view text, std::size_t limit = 400);
// The same before it is escaped: for JSON, whose text is escaped otherwise.
std::string CutForPeople(std::string_view text, std::size_t limit = 400);

// JSON text that may stand in a <script> element: what could end it or be markup is written \u003c.
std::string JsonForHtml(std::string_view json);

// 'sha256-…' of a Content-Security-Policy, with its quotes.
std::string CspHash(std::string_view text);

struct HtmlPage {
  std::string_view title;   // any text
  std::string_view style;   // one style sheet without @import and url() of other files
  std::string_view script;  // one classic script; may not hold "</script"
  std::string_view body;    // inside of <body>, escaped
};
std::string HtmlText(const HtmlPage& page);

}  // namespace hallmark
