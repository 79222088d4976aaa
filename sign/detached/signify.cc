#include "sign/detached/signify.h"

#include <fmt/format.h>

#include "sign/detached/numbered_signature.h"
#include "sign/keys/commented_base64.h"

namespace hallmark {
namespace {

constexpr std::size_t kDigits = 100;  // of 74 bytes in base64

// Two lines of which the second has a signature's length.
std::optional<CommentedBase64> ParseHead(std::string_view text) {
  const auto head = ParseCommentedBase64(text, "");
  if (!head || head->base64.size() != kDigits) return std::nullopt;
  return *head;
}

}  // namespace

bool IsSignifySignature(std::string_view text) {
  const auto head = ParseHead(text);
  return head && head->rest.empty();
}

Result<SignatureCheck> CheckSignify(std::string_view text, const SignedFile& file,
                                    std::span<const NamedKey> keys) {
  const CommentedBase64 head = HM_TRY(ParseCommentedBase64(text, ""));
  if (!head.rest.empty()) return Error{Errc::kMalformed, "", "more than two lines"};
  const NumberedSignature signature = HM_TRY(ParseNumberedSignature(head.base64));
  if (signature.algorithm != kPlainEd25519) {
    return Error{Errc::kUnsupported, "", "a signify signature of an unknown kind"};
  }
  const auto candidates = KeysFor(signature, keys);
  SignatureCheck check = NotMadeBy(signature, candidates);
  if (candidates.empty()) return check;
  const std::string message = HM_TRY(file.bytes());
  if (const NamedKey* const maker = MakerOf(signature, AsBytes(message), candidates)) {
    check.state = SignatureCheck::State::kGood;
    check.signer = maker->name;
    check.reason.clear();
  }
  return check;
}

Result<std::string> SignSignify(const SigningKey& key, const SignedFile& file,
                                std::string_view comment) {
  HM_TRY(CheckNumberedKey(key));
  const std::string head = HM_TRY(CommentLine(comment));
  const std::string message = HM_TRY(file.bytes());
  NumberedSignature signature{std::string(kPlainEd25519), key.number};
  signature.signature = HM_TRY(key.signer->Sign(AsBytes(message)));
  return fmt::format("{}{}\n", head, WriteNumberedSignature(signature));
}

bool IsEmbeddedSignify(std::string_view text) {
  const auto head = ParseHead(text);
  return head && !head->rest.empty() && !head->rest.starts_with("trusted comment: ");
}

Result<EmbeddedSignify> ParseEmbeddedSignify(std::string_view text, const std::string& subject) {
  const CommentedBase64 head = HM_TRY(ParseCommentedBase64(text, subject));
  return EmbeddedSignify{text.substr(0, text.size() - head.rest.size()), head.rest};
}

std::string WriteEmbeddedSignify(std::string_view signature, std::string_view message) {
  return std::string(signature) + std::string(message);
}

}  // namespace hallmark
