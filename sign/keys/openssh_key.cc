#include "sign/keys/openssh_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "sign/keys/ssh_public_key.h"
#include "sign/keys/ssh_wire.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kBlockBytes = 8;  // padding goes up to it where nothing is encrypted
constexpr std::size_t kSecretKeyBytes = 64;

// The one key inside, behind two equal numbers and before padding of 1, 2, 3…
Result<SigningKey> ParseInside(std::string_view inside, std::string_view public_blob,
                               const std::string& subject) {
  ByteCursor cursor(AsBytes(inside), subject);
  const std::uint32_t first = HM_TRY(cursor.Big<std::uint32_t>());
  const std::uint32_t second = HM_TRY(cursor.Big<std::uint32_t>());
  const std::string_view type = HM_TRY(TakeSshString(cursor));
  if (first != second) return cursor.Malformed("the key's two check numbers differ");
  if (type != "ssh-ed25519") {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("an OpenSSH private key of type {}", EscapeForPeople(type)),
                 std::nullopt,
                 "ssh-keygen -p -m PKCS8 -f COPY makes PEM of a copy of an ECDSA key"};
  }
  const std::string_view key = HM_TRY(TakeSshString(cursor));
  const std::string_view secret_key = HM_TRY(TakeSshString(cursor));
  HM_TRY(TakeSshString(cursor));  // a comment
  const ByteSpan padding = HM_TRY(cursor.Take(cursor.Remaining()));
  if (secret_key.size() != kSecretKeyBytes || padding.size() >= kBlockBytes) {
    return cursor.Malformed("the key has not the sizes of Ed25519");
  }
  for (std::size_t i = 0; i < padding.size(); ++i) {
    if (std::to_integer<std::size_t>(padding[i]) != i + 1) {
      return cursor.Malformed("the key's padding is broken");
    }
  }
  auto signer = HM_TRY(Ed25519SignerFrom(AsBytes(secret_key), subject));
  if (AsText(signer->Public().Ed25519()) != key || SshKeyBlob(signer->Public()) != public_blob) {
    return cursor.Malformed("the public key in it is not that of its secret key");
  }
  return SigningKey{std::move(signer)};
}

}  // namespace

bool IsOpensshPrivateKey(std::string_view text) { return text.starts_with(kBegin); }

Result<SigningKey> ParseOpensshPrivateKey(std::string_view text, const std::string& subject) {
  const std::size_t end = text.find(kEnd);
  std::optional<Secret> bytes;
  if (IsOpensshPrivateKey(text) && end != std::string_view::npos &&
      TrimAscii(text.substr(end + kEnd.size())).empty()) {
    bytes = Secret::FromBase64(text.substr(kBegin.size(), end - kBegin.size()), "\r\n");
  }
  if (!bytes || !bytes->Text().starts_with(kMagic)) {
    return Error{Errc::kMalformed, subject, "it is no private key of OpenSSH"};
  }
  ByteCursor cursor(bytes->Bytes(), subject);
  HM_TRY(cursor.Skip(kMagic.size()));
  const std::string_view cipher = HM_TRY(TakeSshString(cursor));
  const std::string_view kdf = HM_TRY(TakeSshString(cursor));
  HM_TRY(TakeSshString(cursor));  // of the kdf
  if (cipher != "none" || kdf != "none") {
    return Error{Errc::kUnsupported, subject, "an OpenSSH private key with a password",
                 std::nullopt,
                 "sign with ssh-keygen -Y sign, or take the password off a copy: ssh-keygen -p"};
  }
  const std::uint32_t keys = HM_TRY(cursor.Big<std::uint32_t>());
  if (keys != 1) return cursor.Malformed(fmt::format("got {} keys, limit 1", keys));
  const std::string_view public_blob = HM_TRY(TakeSshString(cursor));
  const std::string_view inside = HM_TRY(TakeSshString(cursor));
  if (!cursor.AtEnd()) return cursor.Malformed("bytes follow the key");
  return ParseInside(inside, public_blob, subject);
}

}  // namespace hallmark
