#include "sign/keys/commented_base64.h"

#include <fmt/format.h>

#include "src/base/bytes.h"
#include "src/base/text.h"

namespace hallmark {

std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(end + 1);
  return line;
}

Result<CommentedBase64> ParseCommentedBase64(std::string_view text, const std::string& subject) {
  CommentedBase64 parsed{{}, {}, text};
  const auto comment = TakeLine(parsed.rest);
  if (!comment || !comment->starts_with(kUntrustedComment)) {
    return Error{Errc::kMalformed, subject, "its first line is no \"untrusted comment: \"", 0};
  }
  if (comment->size() > kMaxCommentLine) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("the comment is too long: got {} bytes, limit {}", comment->size(),
                             kMaxCommentLine),
                 0};
  }
  const auto base64 = TakeLine(parsed.rest);
  if (!base64) {
    return Error{Errc::kMalformed, subject, "its second line has no end: it may be cut short",
                 text.size()};
  }
  parsed.comment = comment->substr(kUntrustedComment.size());
  parsed.base64 = *base64;
  return parsed;
}

bool IsPrintableLine(std::string_view text, bool with_tabs) {
  std::string plain(text);
  std::erase_if(plain, [&](char c) { return c == '\\' || (with_tabs && c == '\t'); });
  return plain.empty() || EscapeForPeople(plain) == plain;
}

Result<std::string> CommentLine(std::string_view comment) {
  if (!IsPrintableLine(comment)) {
    return Error{Errc::kUsage, "", "a comment is one line of printable UTF-8"};
  }
  // minisign reads the line with its end and a NUL into that many bytes.
  const std::size_t limit = kMaxCommentLine - kUntrustedComment.size() - 2;
  if (comment.size() > limit) {
    return Error{
        Errc::kUsage, "",
        fmt::format("the comment is too long: got {} bytes, limit {}", comment.size(), limit)};
  }
  return fmt::format("{}{}\n", kUntrustedComment, comment);
}

std::string KeyNumberText(std::string_view number) {
  if (number.size() != kKeyNumberBytes) return "";
  return fmt::format("{:X}", LoadLittle<std::uint64_t>(AsBytes(number).data()));
}

}  // namespace hallmark
