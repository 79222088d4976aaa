#include "sign/keys/signify_key.h"

#include <sodium.h>

#include <algorithm>

#include "sign/keys/commented_base64.h"
#include "src/base/byte_cursor.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::string_view kBcrypt = "BK";
constexpr std::size_t kSaltBytes = 16, kCheckBytes = 8, kSecretKeyBytes = 64;
constexpr std::size_t kFileBytes =
    2 * 2 + 4 + kSaltBytes + kCheckBytes + kKeyNumberBytes + kSecretKeyBytes;

}  // namespace

bool IsSignifySecretKey(std::string_view text) {
  const auto parsed = ParseCommentedBase64(text, "");
  return parsed && parsed->base64.size() == (kFileBytes + 2) / 3 * 4 && parsed->rest.empty();
}

Result<SigningKey> ParseSignifySecretKey(std::string_view text, const std::string& subject) {
  const CommentedBase64 parsed = HM_TRY(ParseCommentedBase64(text, subject));
  const auto bytes = Secret::FromBase64(parsed.base64);
  if (!bytes || bytes->Size() != kFileBytes || !parsed.rest.empty()) {
    return Error{Errc::kMalformed, subject, "it is no secret key of signify"};
  }
  ByteCursor cursor(bytes->Bytes(), subject);
  const std::string_view algorithm = HM_TRY(cursor.TakeText(2));
  const std::string_view kdf = HM_TRY(cursor.TakeText(2));
  const std::uint32_t rounds = HM_TRY(cursor.Big<std::uint32_t>());
  if (algorithm != kPlainEd25519 || kdf != kBcrypt) {
    return Error{Errc::kUnsupported, subject, "a secret key of signify of an unknown kind"};
  }
  if (rounds != 0) {
    return Error{Errc::kUnsupported, subject, "a secret key of signify with a password",
                 std::nullopt, "sign with signify itself, or with a key that hallmark keygen made"};
  }
  HM_TRY(cursor.Skip(kSaltBytes));
  const ByteSpan check = HM_TRY(cursor.Take(kCheckBytes));
  const std::string_view number = HM_TRY(cursor.TakeText(kKeyNumberBytes));
  const ByteSpan secret_key = HM_TRY(cursor.Take(kSecretKeyBytes));
  const Digest digest = HashBytes(Algorithm::kSha512, secret_key);
  if (!std::ranges::equal(check, digest.Bytes().first(kCheckBytes))) {
    return Error{Errc::kMalformed, subject, "its checksum does not fit its secret key"};
  }
  auto signer = HM_TRY(Ed25519SignerFrom(secret_key, subject));
  return SigningKey{std::move(signer), std::string(number)};
}

}  // namespace hallmark
