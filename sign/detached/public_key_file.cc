#include "sign/detached/public_key_file.h"

#include <fmt/format.h>

#include <utility>

#include "sign/detached/allowed_signers.h"
#include "sign/keys/commented_base64.h"
#include "sign/keys/ssh_public_key.h"
#include "sign/notes/note.h"
#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxKeyBytes = 65536;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNumberedBytes = 2 + kKeyNumberBytes + kKeyBytes;
constexpr std::size_t kNumberedDigits = 56;  // in base64

// The binary form of minisign's and signify's keys.
Result<NamedKey> ParseNumberedKey(std::string_view base64, std::string_view comment,
                                  const std::string& subject) {
  const auto bytes = FromBase64(base64);
  if (!bytes || bytes->size() != kNumberedBytes || !bytes->starts_with(kPlainEd25519)) {
    return Error{Errc::kMalformed, subject, "it is no public key of minisign or signify"};
  }
  const std::string number = bytes->substr(2, kKeyNumberBytes);
  auto key = HM_TRY(PublicKey::FromEd25519(AsBytes(*bytes).last(kKeyBytes), subject));
  std::string name(comment.empty() ? "key " + KeyNumberText(number) : comment);
  return NamedKey{std::move(name), std::move(key), number};
}

Result<NamedKey> ParseCommentedKey(std::string_view text, const std::string& subject) {
  // A line end that was lost on the way does not matter for a key.
  const std::string lines = std::string(TrimAscii(text)) + "\n";
  const CommentedBase64 parsed = HM_TRY(ParseCommentedBase64(lines, subject));
  if (!parsed.rest.empty()) {
    return Error{Errc::kMalformed, subject, "more than two lines, which no public key has"};
  }
  return ParseNumberedKey(parsed.base64, parsed.comment, subject);
}

Result<NamedKey> ParsePem(std::string_view text, const std::string& subject) {
  if (text.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Error{Errc::kUsage, subject, "it is a private key", std::nullopt,
                 "give the public one: openssl pkey -pubout writes it"};
  }
  auto key = HM_TRY(PublicKey::FromPem(text, subject));
  std::string name = key.Fingerprint().ToString();
  return NamedKey{std::move(name), std::move(key)};
}

Result<NamedKey> ParseSsh(std::string_view line, const std::string& subject) {
  SshKeyLine parsed = HM_TRY(ParseSshKeyLine(line, subject));
  std::string name =
      parsed.comment.empty() ? parsed.key.Fingerprint().ToString() : std::move(parsed.comment);
  return NamedKey{std::move(name), std::move(parsed.key)};
}

bool IsNoteKey(std::string_view line) {
  return line.find('+') != std::string_view::npos && line.find(' ') == std::string_view::npos;
}

}  // namespace

Result<NamedKey> ParsePublicKey(std::string_view text, std::string subject) {
  if (text.size() > kMaxKeyBytes) {
    return Error{
        Errc::kUnsupported, subject,
        fmt::format("too large for a key: got {} bytes, limit {}", text.size(), kMaxKeyBytes)};
  }
  if (text.starts_with(kUntrustedComment)) return ParseCommentedKey(text, subject);
  if (text.find("-----BEGIN ") != std::string_view::npos) return ParsePem(text, subject);
  const std::string_view line = TrimAscii(text);
  if (line.find('\n') == std::string_view::npos) {
    if (IsSshKeyType(line)) return ParseSsh(line, subject);
    if (line.size() == kNumberedDigits && FromBase64(line)) {
      return ParseNumberedKey(line, "", subject);
    }
    if (IsNoteKey(line)) return ParseVerifierKey(line, subject);
  }
  return Error{Errc::kMalformed, subject, "it is no public key", std::nullopt,
               "those of minisign, signify, OpenSSH and signed notes, and PEM can be read"};
}

Result<NamedKeys> ParsePublicKeys(std::string_view text, const std::string& subject,
                                  std::int64_t now) {
  if (IsAllowedSigners(text)) return ParseAllowedSigners(text, subject, now);
  NamedKeys keys;
  keys.keys.push_back(HM_TRY(ParsePublicKey(text, subject)));
  return keys;
}

}  // namespace hallmark
