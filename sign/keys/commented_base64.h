// The text form that minisign and signify share: a line of comment, then a line of base64; and the
// numbers of their keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

inline constexpr std::string_view kUntrustedComment = "untrusted comment: ";
// Of a whole comment line, as both tools have it.
inline constexpr std::size_t kMaxCommentLine = 1024;
inline constexpr std::size_t kKeyNumberBytes = 8;
inline constexpr std::string_view kPlainEd25519 = "Ed";  // how their keys and signatures begin

struct CommentedBase64 {
  std::string_view comment;  // nobody vouches for it
  std::string_view base64;
  std::string_view rest;  // all behind the two lines
};

// The next line of `text`, without its end ("\n" or "\r\n"), which is needed; nullopt if there is
// none. `text` becomes what follows.
std::optional<std::string_view> TakeLine(std::string_view& text);

// Views into `text`. Errors: kMalformed.
Result<CommentedBase64> ParseCommentedBase64(std::string_view text, const std::string& subject);

// The first line, with its end. Errors: kUsage (the comment is too long or not one printable line).
Result<std::string> CommentLine(std::string_view comment);

// True if a terminal shows `text` as it is: UTF-8 without control and format characters. Tabs are
// well if `with_tabs`.
bool IsPrintableLine(std::string_view text, bool with_tabs = false);

// As minisign shows it: a little-endian number in capital hex digits, without leading zeros.
std::string KeyNumberText(std::string_view number);

}  // namespace hallmark
