#include "sign/detached/minisign.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sign/detached/numbered_signature.h"
#include "sign/keys/commented_base64.h"
#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kHashed = "ED";
constexpr std::string_view kTrustedComment = "trusted comment: ";
// minisign reads the line with its end and a NUL into 8192 bytes.
constexpr std::size_t kMaxTrustedComment = 8192 - kTrustedComment.size() - 2;

Error Malformed(std::string message) { return {Errc::kMalformed, "", std::move(message)}; }

struct Parsed {
  NumberedSignature signature;
  std::string_view trusted_comment;
  std::string global;  // the signature over signature and trusted comment
};

Result<Parsed> Parse(std::string_view text) {
  CommentedBase64 head = HM_TRY(ParseCommentedBase64(text, ""));
  Parsed parsed;
  parsed.signature = HM_TRY(ParseNumberedSignature(head.base64));
  if (parsed.signature.algorithm != kHashed && parsed.signature.algorithm != kPlainEd25519) {
    return Error{Errc::kUnsupported, "", "a minisign signature of an unknown kind"};
  }
  const auto comment = TakeLine(head.rest);
  if (!comment || !comment->starts_with(kTrustedComment)) {
    return Malformed("its third line is no \"trusted comment: \"");
  }
  parsed.trusted_comment = comment->substr(kTrustedComment.size());
  if (parsed.trusted_comment.size() > kMaxTrustedComment) {
    return Malformed(fmt::format("the trusted comment is too long: got {} bytes, limit {}",
                                 parsed.trusted_comment.size(), kMaxTrustedComment));
  }
  const auto line = TakeLine(head.rest);
  if (!line) return Malformed("its fourth line has no end: it may be cut short");
  const auto global = FromBase64(*line);
  if (!global || global->size() != 64) {
    return Malformed("the signature of the trusted comment is not 64 bytes in base64");
  }
  if (!head.rest.empty()) return Malformed("more than four lines");
  parsed.global = *global;
  return parsed;
}

// What Ed25519 signs.
Result<std::string> MessageOf(std::string_view algorithm, const SignedFile& file) {
  if (algorithm != kHashed) return file.bytes();
  const Digest digest = HM_TRY(file.digest(Algorithm::kBlake2b));
  return std::string(AsText(digest.Bytes()));
}

std::string GlobalMessage(const NumberedSignature& signature, std::string_view trusted_comment) {
  return signature.signature + std::string(trusted_comment);
}

// The value of a field "KEY:VALUE" between tabs.
std::optional<std::string_view> FieldOf(std::string_view comment, std::string_view key) {
  while (!comment.empty()) {
    const std::string_view field = comment.substr(0, comment.find('\t'));
    if (field.starts_with(key) && field.substr(key.size()).starts_with(':')) {
      return field.substr(key.size() + 1);
    }
    comment.remove_prefix(std::min(field.size() + 1, comment.size()));
  }
  return std::nullopt;
}

// Why the comment speaks of another file; empty if it does not.
Result<std::string> DisagreementOf(std::string_view comment, const SignedFile& file) {
  const auto name = FieldOf(comment, "file");
  if (name && !file.name.empty() && LastComponent(*name) != file.name) {
    return fmt::format("it was made for a file named {}, and this one is named {}",
                       EscapeForPeople(*name), EscapeForPeople(file.name));
  }
  if (const auto sha256 = FieldOf(comment, "sha256")) {
    const Digest digest = HM_TRY(file.digest(Algorithm::kSha256));
    if (Digest::FromHex(Algorithm::kSha256, *sha256) != digest) {
      return fmt::format("its comment gives the SHA-256 {}, and the file's is {}",
                         EscapeForPeople(sha256->substr(0, 64)), digest.Hex());
    }
  }
  return std::string();
}

Result<std::string> TrustedCommentOf(const SignedFile& file, const MinisignOptions& options) {
  if (options.trusted_comment) return *options.trusted_comment;
  std::string comment;
  const auto add = [&](std::string_view field) {
    if (!comment.empty()) comment += '\t';
    comment += field;
  };
  if (options.time) add(fmt::format("timestamp:{}", *options.time));
  if (!IsPrintableLine(file.name)) {
    return Error{Errc::kUsage, EscapeForPeople(file.name),
                 "a file's name with control characters cannot be signed"};
  }
  if (!file.name.empty()) add(fmt::format("file:{}", file.name));
  if (!options.legacy) add("hashed");
  if (options.with_sha256) {
    const Digest digest = HM_TRY(file.digest(Algorithm::kSha256));
    add(digest.ToString());
  }
  if (options.version) add(fmt::format("version:{}", *options.version));
  return comment;
}

Result<void> CheckTrustedComment(std::string_view comment) {
  if (!IsPrintableLine(comment, true)) {
    return Error{Errc::kUsage, "", "a comment is one line of printable UTF-8"};
  }
  if (comment.size() > kMaxTrustedComment) {
    return Error{Errc::kUsage, "",
                 fmt::format("the trusted comment is too long: got {} bytes, limit {}",
                             comment.size(), kMaxTrustedComment)};
  }
  return {};
}

}  // namespace

bool IsMinisignSignature(std::string_view text) {
  const auto head = ParseCommentedBase64(text, "");
  return head && head->rest.starts_with(kTrustedComment);
}

Result<SignatureCheck> CheckMinisign(std::string_view text, const SignedFile& file,
                                     std::span<const NamedKey> keys) {
  const Parsed parsed = HM_TRY(Parse(text));
  const auto candidates = KeysFor(parsed.signature, keys);
  SignatureCheck check = NotMadeBy(parsed.signature, candidates);
  if (candidates.empty()) return check;
  const std::string message = HM_TRY(MessageOf(parsed.signature.algorithm, file));
  const NamedKey* const maker = MakerOf(parsed.signature, AsBytes(message), candidates);
  if (maker == nullptr) return check;
  check.state = SignatureCheck::State::kBad;
  const std::string bound = GlobalMessage(parsed.signature, parsed.trusted_comment);
  if (!maker->key.Verify(AsBytes(bound), AsBytes(parsed.global))) {
    check.reason = "the trusted comment was changed";
    return check;
  }
  check.comment = parsed.trusted_comment;
  check.reason = HM_TRY(DisagreementOf(parsed.trusted_comment, file));
  if (check.reason.empty()) {
    check.state = SignatureCheck::State::kGood;
    check.signer = maker->name;
  }
  return check;
}

Result<std::string> SignMinisign(const SigningKey& key, const SignedFile& file,
                                 const MinisignOptions& options) {
  HM_TRY(CheckNumberedKey(key));
  const std::string head = HM_TRY(CommentLine(options.untrusted_comment));
  const std::string comment = HM_TRY(TrustedCommentOf(file, options));
  HM_TRY(CheckTrustedComment(comment));
  NumberedSignature signature{std::string(options.legacy ? kPlainEd25519 : kHashed), key.number};
  const std::string message = HM_TRY(MessageOf(signature.algorithm, file));
  signature.signature = HM_TRY(key.signer->Sign(AsBytes(message)));
  const std::string global = HM_TRY(key.signer->Sign(AsBytes(GlobalMessage(signature, comment))));
  return fmt::format("{}{}\n{}{}\n{}\n", head, WriteNumberedSignature(signature), kTrustedComment,
                     comment, ToBase64(global));
}

}  // namespace hallmark
