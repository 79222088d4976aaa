#include "sign/keys/minisign_key.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "sign/keys/commented_base64.h"
#include "src/base/base64.h"
#include "src/base/byte_cursor.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::string_view kScrypt = "Sc", kNoKdf{"\0\0", 2}, kBlake2 = "B2";
constexpr std::size_t kSaltBytes = 32, kCheckBytes = 32, kSecretKeyBytes = 64;
// Number, secret key and check: what a password encrypts.
constexpr std::size_t kBodyBytes = kKeyNumberBytes + kSecretKeyBytes + kCheckBytes;
constexpr std::size_t kFileBytes = 3 * 2 + kSaltBytes + 2 * 8 + kBodyBytes;

std::size_t Base64Size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// XORs `body` with what scrypt makes of the password.
Result<void> Crypt(MutableByteSpan body, const Secret& password, ByteSpan salt,
                   const ScryptCost& cost, const std::string& subject) {
  Secret stream(body.size());
  if (crypto_pwhash_scryptsalsa208sha256(reinterpret_cast<unsigned char*>(stream.Bytes().data()),
                                         stream.Size(), password.Text().data(), password.Size(),
                                         reinterpret_cast<const unsigned char*>(salt.data()),
                                         cost.operations,
                                         static_cast<std::size_t>(cost.memory)) != 0) {
    return Error{
        Errc::kIo, subject,
        fmt::format("not enough memory for its password: {} are needed", HumanBytes(cost.memory))};
  }
  for (std::size_t i = 0; i < body.size(); ++i) body[i] ^= stream.Bytes()[i];
  return {};
}

// BLAKE2b-256 over algorithm, number and secret key.
Secret CheckOf(ByteSpan number_and_key) {
  const Secret input = JoinSecrets({AsBytes(kPlainEd25519), number_and_key});
  Secret check(kCheckBytes);
  crypto_generichash(reinterpret_cast<unsigned char*>(check.Bytes().data()), check.Size(),
                     reinterpret_cast<const unsigned char*>(input.Bytes().data()), input.Size(),
                     nullptr, 0);
  return check;
}

// libsodium chooses time and memory by these; within them, they are what minisign can write.
Result<void> CheckCost(const ScryptCost& cost, const std::string& subject) {
  const ScryptCost most;
  if (cost.operations > most.operations || cost.memory > most.memory) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("its password costs too much: got {} operations and {} bytes, limits "
                             "{} and {}",
                             cost.operations, cost.memory, most.operations, most.memory)};
  }
  if (cost.operations < crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN ||
      cost.memory < crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("its password costs too little: got {} operations and {} bytes",
                             cost.operations, cost.memory)};
  }
  return {};
}

Result<void> Decrypt(Secret& body, ByteSpan salt, const ScryptCost& cost,
                     const std::string& subject, const PasswordSource& password) {
  HM_TRY(CheckCost(cost, subject));
  const Secret given = HM_TRY(password(fmt::format("the password of {}", subject)));
  HM_TRY(Crypt(body.Bytes(), given, salt, cost, subject));
  const Secret check = CheckOf(ByteSpan(body.Bytes()).first(kBodyBytes - kCheckBytes));
  if (sodium_memcmp(check.Bytes().data(), body.Bytes().last(kCheckBytes).data(), kCheckBytes) !=
      0) {
    return Error{Errc::kUsage, subject, "the password does not open this key"};
  }
  return {};
}

std::string LittleU64(std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  StoreLittle(bytes.data(), value);
  return std::string(AsText(bytes));
}

}  // namespace

MinisignKey GenerateMinisignKey() {
  return {std::string(Secret::Random(kKeyNumberBytes).Text()), Secret::Random(32)};
}

Result<Secret> WriteMinisignSecretKey(const MinisignKey& key, const Secret* password,
                                      const ScryptCost& cost) {
  const auto signer = Ed25519Signer(key.seed);
  Secret body = JoinSecrets({AsBytes(key.number), key.seed.Bytes(), signer->Public().Ed25519(),
                             Secret(kCheckBytes).Bytes()});
  std::string head(kPlainEd25519);
  if (password != nullptr) {
    HM_TRY(CheckCost(cost, ""));
    std::ranges::copy(CheckOf(ByteSpan(body.Bytes()).first(kBodyBytes - kCheckBytes)).Bytes(),
                      body.Bytes().last(kCheckBytes).begin());
    const Secret salt = Secret::Random(kSaltBytes);
    HM_TRY(Crypt(body.Bytes(), *password, salt.Bytes(), cost, ""));
    head += kScrypt;
    head += kBlake2;
    head += salt.Text();
    head += LittleU64(cost.operations) + LittleU64(cost.memory);
  } else {
    head += kNoKdf;
    head += kBlake2;
    head += std::string(kSaltBytes + 2 * 8, '\0');
  }
  const Secret base64 = JoinSecrets({AsBytes(head), body.Bytes()}).ToBase64();
  const std::string comment = HM_TRY(CommentLine("minisign encrypted secret key"));
  return JoinSecrets({AsBytes(comment), base64.Bytes(), AsBytes("\n")});
}

std::string WriteMinisignPublicKey(const PublicKey& key, std::string_view number) {
  std::string bytes(kPlainEd25519);
  bytes += number;
  bytes += AsText(key.Ed25519());
  return fmt::format("{}minisign public key {}\n{}\n", kUntrustedComment, KeyNumberText(number),
                     ToBase64(bytes));
}

bool IsMinisignSecretKey(std::string_view text) {
  const auto parsed = ParseCommentedBase64(text, "");
  return parsed && parsed->base64.size() == Base64Size(kFileBytes) && parsed->rest.empty();
}

Result<SigningKey> ParseMinisignSecretKey(std::string_view text, const std::string& subject,
                                          const PasswordSource& password) {
  const CommentedBase64 parsed = HM_TRY(ParseCommentedBase64(text, subject));
  const auto bytes = Secret::FromBase64(parsed.base64);
  if (!bytes || bytes->Size() != kFileBytes || !parsed.rest.empty()) {
    return Error{Errc::kMalformed, subject, "it is no secret key of minisign"};
  }
  ByteCursor cursor(bytes->Bytes(), subject);
  const std::string_view algorithm = HM_TRY(cursor.TakeText(2));
  const std::string_view kdf = HM_TRY(cursor.TakeText(2));
  const std::string_view check = HM_TRY(cursor.TakeText(2));
  if (algorithm != kPlainEd25519 || check != kBlake2 || (kdf != kScrypt && kdf != kNoKdf)) {
    return Error{Errc::kUnsupported, subject, "a secret key of minisign of an unknown kind"};
  }
  const ByteSpan salt = HM_TRY(cursor.Take(kSaltBytes));
  ScryptCost cost;
  cost.operations = HM_TRY(cursor.U64());
  cost.memory = HM_TRY(cursor.U64());
  Secret body = Secret::Copy(HM_TRY(cursor.Take(kBodyBytes)));
  if (kdf == kScrypt) HM_TRY(Decrypt(body, salt, cost, subject, password));
  SigningKey key;
  key.number = AsText(ByteSpan(body.Bytes()).first(kKeyNumberBytes));
  key.signer = HM_TRY(
      Ed25519SignerFrom(ByteSpan(body.Bytes()).subspan(kKeyNumberBytes, kSecretKeyBytes), subject));
  return key;
}

}  // namespace hallmark
