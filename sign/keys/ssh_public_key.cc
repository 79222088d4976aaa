#include "sign/keys/ssh_public_key.h"

#include <fmt/format.h>

#include <array>

#include "sign/keys/ssh_wire.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::string_view kEd25519 = "ssh-ed25519", kRsa = "ssh-rsa", kEcdsa = "ecdsa-sha2-";
constexpr std::size_t kMaxRsaBytes = 16384 / 8 + 1;

struct Curve {
  std::string_view name;
  std::size_t point_bytes;     // uncompressed
  std::string_view algorithm;  // AlgorithmIdentifier, RFC 5480
};
constexpr std::array<Curve, 3> kCurves = {{
    {"nistp256",
     65,
     {"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 21}},
    {"nistp384",
     97,
     {"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22", 18}},
    {"nistp521",
     133,
     {"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23", 18}},
}};

Result<PublicKey> ParseEcdsa(std::string_view type, ByteCursor& cursor) {
  const std::string_view name = HM_TRY(TakeSshString(cursor));
  const std::string_view point = HM_TRY(TakeSshString(cursor));
  for (const Curve& curve : kCurves) {
    if (name != curve.name || type.substr(kEcdsa.size()) != curve.name) continue;
    if (point.size() != curve.point_bytes || point[0] != 0x04) {
      return cursor.Malformed("a point of the curve that is not in its one form");
    }
    const std::string bits = Der(kDerBitString, std::string(1, '\0') + std::string(point));
    const std::string spki = Der(kDerSequence, std::string(curve.algorithm) + bits);
    return PublicKey::FromSpki(AsBytes(spki), cursor.Subject());
  }
  return cursor.Malformed("an ECDSA key of no curve that SSH has");
}

Result<PublicKey> ParseRsa(ByteCursor& cursor) {
  const std::string_view exponent = HM_TRY(TakeSshPositive(cursor, kMaxRsaBytes));
  const std::string_view modulus = HM_TRY(TakeSshPositive(cursor, kMaxRsaBytes));
  const std::string key = Der(kDerSequence, Der(kDerInteger, modulus) + Der(kDerInteger, exponent));
  return PublicKey::FromPkcs1(AsBytes(key), cursor.Subject());
}

Result<PublicKey> ParseOfType(std::string_view type, ByteCursor& cursor) {
  if (type == kRsa) return ParseRsa(cursor);
  if (type.starts_with(kEcdsa) && type.find('@') == std::string_view::npos) {
    return ParseEcdsa(type, cursor);
  }
  if (type == kEd25519) {
    const std::string_view key = HM_TRY(TakeSshString(cursor));
    return PublicKey::FromEd25519(AsBytes(key), cursor.Subject());
  }
  return Error{Errc::kUnsupported, cursor.Subject(),
               fmt::format("an SSH key of type {}", EscapeForPeople(type)), std::nullopt,
               "ssh-ed25519, ecdsa-sha2-nistp256, -384 and -521, and ssh-rsa can be read"};
}

}  // namespace

Result<PublicKey> ParseSshKeyBlob(std::string_view blob, const std::string& subject) {
  ByteCursor cursor(AsBytes(blob), subject);
  const std::string_view type = HM_TRY(TakeSshString(cursor));
  auto key = HM_TRY(ParseOfType(type, cursor));
  if (!cursor.AtEnd()) return cursor.Malformed("bytes follow the SSH key");
  return key;
}

std::string SshKeyBlob(const PublicKey& key) {
  std::string blob;
  AppendSshString(blob, kEd25519);
  AppendSshString(blob, AsText(key.Ed25519()));
  return blob;
}

bool IsSshKeyType(std::string_view word) {
  return word.starts_with("ssh-") || word.starts_with(kEcdsa) || word.starts_with("sk-ssh-") ||
         word.starts_with("sk-ecdsa-");
}

Result<SshKeyLine> ParseSshKeyLine(std::string_view line, const std::string& subject) {
  const auto next_word = [&line] {
    line = TrimAscii(line);
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(word.size());
    return word;
  };
  const std::string_view type = next_word();
  const auto blob = FromBase64(next_word());
  std::string start;
  AppendSshString(start, type);
  if (!blob || !blob->starts_with(start)) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("an SSH key whose base64 does not hold a key of type {}",
                             EscapeForPeople(type.substr(0, 64)))};
  }
  auto key = HM_TRY(ParseSshKeyBlob(*blob, subject));
  return SshKeyLine{std::string(TrimAscii(line)), std::move(key)};
}

std::string SshFingerprint(std::string_view blob) {
  std::string base64 = ToBase64(AsText(HashBytes(Algorithm::kSha256, AsBytes(blob)).Bytes()));
  base64.resize(base64.find('='));
  return "SHA256:" + base64;
}

}  // namespace hallmark
