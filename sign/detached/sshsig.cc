#include "sign/detached/sshsig.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sign/keys/commented_base64.h"
#include "sign/keys/ssh_public_key.h"
#include "sign/keys/ssh_wire.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::string_view kBegin = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view kEnd = "-----END SSH SIGNATURE-----";
constexpr std::string_view kMagic = "SSHSIG";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kColumns = 70;        // as ssh-keygen breaks its lines
constexpr std::size_t kMaxCurveBytes = 67;  // a number below the order of P-521, with a sign

Error Malformed(std::string message) { return {Errc::kMalformed, "", std::move(message)}; }

Result<std::string> Unarmour(std::string_view text) {
  auto line = TakeLine(text);
  if (line != kBegin) return Malformed("its first line is no beginning of an SSH signature");
  std::string base64;
  for (line = TakeLine(text); line && line != kEnd; line = TakeLine(text)) base64 += *line;
  if (!line) return Malformed("its last line is missing: it may be cut short");
  if (!text.empty()) return Malformed("something follows the signature");
  const auto blob = FromBase64(base64);
  if (!blob) return Malformed("the signature is not base64");
  return *blob;
}

std::string Armour(std::string_view blob) {
  std::string text = fmt::format("{}\n", kBegin);
  const std::string base64 = ToBase64(blob);
  for (std::size_t at = 0; at < base64.size(); at += kColumns) {
    text.append(base64, at, kColumns).push_back('\n');
  }
  return text + fmt::format("{}\n", kEnd);
}

struct Parsed {
  std::string key_blob;
  std::string name_space;
  Algorithm hash;
  std::string algorithm;  // "ssh-ed25519"
  std::string signature;  // in the algorithm's own form
};

Result<Parsed> Parse(std::string_view blob) {
  ByteCursor cursor(AsBytes(blob), "");
  const std::string_view magic = HM_TRY(cursor.TakeText(kMagic.size()));
  if (magic != kMagic) return Malformed("it does not begin as SSH signatures do");
  const std::uint32_t version = HM_TRY(cursor.Big<std::uint32_t>());
  if (version != kVersion) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("an SSH signature of version {}, not {}", version, kVersion)};
  }
  Parsed parsed;
  parsed.key_blob = HM_TRY(TakeSshString(cursor));
  parsed.name_space = HM_TRY(TakeSshString(cursor));
  const std::string_view reserved = HM_TRY(TakeSshString(cursor));
  if (!reserved.empty()) return Malformed("its reserved field is not empty");
  const std::string_view hash = HM_TRY(TakeSshString(cursor));
  if (hash != "sha512" && hash != "sha256") {
    return Error{Errc::kUnsupported, "",
                 fmt::format("an SSH signature over the hash {}", EscapeForPeople(hash))};
  }
  parsed.hash = hash == "sha512" ? Algorithm::kSha512 : Algorithm::kSha256;
  const std::string_view signature = HM_TRY(TakeSshString(cursor));
  if (!cursor.AtEnd()) return Malformed("bytes follow the signature");
  ByteCursor inner(AsBytes(signature), "");
  parsed.algorithm = HM_TRY(TakeSshString(inner));
  parsed.signature = HM_TRY(TakeSshString(inner));
  if (!inner.AtEnd()) return Malformed("bytes follow the signature");
  return parsed;
}

// What is signed: the namespace and the file's digest.
std::string Preimage(std::string_view name_space, const Digest& digest) {
  std::string message(kMagic);
  AppendSshString(message, name_space);
  AppendSshString(message, "");
  AppendSshString(message, InfoOf(digest.GetAlgorithm()).name);
  AppendSshString(message, AsText(digest.Bytes()));
  return message;
}

// RFC 5656, 3.1.2, as the DER that PublicKey wants.
Result<std::string> EcdsaDer(std::string_view signature) {
  ByteCursor cursor(AsBytes(signature), "");
  const std::string_view r = HM_TRY(TakeSshPositive(cursor, kMaxCurveBytes));
  const std::string_view s = HM_TRY(TakeSshPositive(cursor, kMaxCurveBytes));
  if (!cursor.AtEnd()) return Malformed("bytes follow the signature's numbers");
  return Der(kDerSequence, Der(kDerInteger, r) + Der(kDerInteger, s));
}

std::string_view EcdsaName(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return "ecdsa-sha2-nistp256";
    case KeyType::kP384:
      return "ecdsa-sha2-nistp384";
    default:
      return "ecdsa-sha2-nistp521";
  }
}

// The algorithm must be one of the key's type.
Result<bool> Holds(const Parsed& parsed, const PublicKey& key, const std::string& message) {
  const std::string_view algorithm = parsed.algorithm;
  const Error unfit{Errc::kMalformed, "",
                    fmt::format("a key of type {} and a signature of type {}",
                                KeyTypeName(key.Type()), EscapeForPeople(algorithm))};
  switch (key.Type()) {
    case KeyType::kEd25519:
      if (algorithm != "ssh-ed25519") return unfit;
      return key.Verify(AsBytes(message), AsBytes(parsed.signature));
    case KeyType::kRsa: {
      if (algorithm == "ssh-rsa") {
        return Error{Errc::kUnsupported, "", "an ssh-rsa signature, whose SHA-1 can be forged"};
      }
      if (algorithm != "rsa-sha2-256" && algorithm != "rsa-sha2-512") return unfit;
      const Algorithm hash = algorithm == "rsa-sha2-256" ? Algorithm::kSha256 : Algorithm::kSha512;
      return key.VerifyDigest(HashBytes(hash, AsBytes(message)), AsBytes(parsed.signature));
    }
    default: {
      if (algorithm != EcdsaName(key.Type())) return unfit;
      const std::string der = HM_TRY(EcdsaDer(parsed.signature));
      return key.Verify(AsBytes(message), AsBytes(der));
    }
  }
}

}  // namespace

bool IsSshSignature(std::string_view text) { return text.starts_with(kBegin); }

Result<SignatureCheck> CheckSsh(std::string_view text, const SignedFile& file,
                                std::span<const NamedKey> keys) {
  const std::string blob = HM_TRY(Unarmour(text));
  const Parsed parsed = HM_TRY(Parse(blob));
  SignatureCheck check{SignatureCheck::State::kUnknownKey, SshFingerprint(parsed.key_blob)};
  const auto key = ParseSshKeyBlob(parsed.key_blob, "");
  if (!key) {
    // Of a type that no key of ours can have.
    if (key.error().code == Errc::kUnsupported) return check;
    return key.error();
  }
  const auto known = std::ranges::find(keys, *key, &NamedKey::key);
  if (known == keys.end()) return check;
  check.state = SignatureCheck::State::kBad;
  if (parsed.name_space != kSshNamespace) {
    check.reason = fmt::format("it was made for the namespace {}, not for {}",
                               EscapeForPeople(parsed.name_space), kSshNamespace);
    return check;
  }
  const Digest digest = HM_TRY(file.digest(parsed.hash));
  const bool holds = HM_TRY(Holds(parsed, known->key, Preimage(parsed.name_space, digest)));
  if (!holds) {
    check.reason = "the signature is not of this file: either was changed";
    return check;
  }
  check.state = SignatureCheck::State::kGood;
  check.signer = known->name;
  return check;
}

Result<std::string> SignSsh(const SigningKey& key, const SignedFile& file) {
  const PublicKey& public_key = key.signer->Public();
  if (public_key.Type() != KeyType::kEd25519) {
    return Error{Errc::kUnsupported, "", "hallmark makes SSH signatures by Ed25519 keys only",
                 std::nullopt, fmt::format("ssh-keygen -Y sign -n {}", kSshNamespace)};
  }
  const Digest digest = HM_TRY(file.digest(Algorithm::kSha512));
  const std::string message = Preimage(kSshNamespace, digest);
  const std::string raw = HM_TRY(key.signer->Sign(AsBytes(message)));
  std::string signature;
  AppendSshString(signature, "ssh-ed25519");
  AppendSshString(signature, raw);
  std::string blob(kMagic);
  blob += std::string("\0\0\0\1", 4);
  AppendSshString(blob, SshKeyBlob(public_key));
  AppendSshString(blob, kSshNamespace);
  AppendSshString(blob, "");
  AppendSshString(blob, "sha512");
  AppendSshString(blob, signature);
  return Armour(blob);
}

}  // namespace hallmark
