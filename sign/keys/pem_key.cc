#include "sign/keys/pem_key.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <optional>

#include "sign/keys/openssl_signer.h"

namespace hallmark {
namespace {

using EncryptedKeyPtr = OpensslPtr<X509_SIG, X509_SIG_free>;
using PlainInfoPtr = OpensslPtr<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using AlgorithmPtr = OpensslPtr<X509_ALGOR, X509_ALGOR_free>;

constexpr std::string_view kEncrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
// What a file may make a password cost: some seconds. OpenSSL bounds only scrypt's memory.
constexpr std::uint64_t kMaxIterations = 10'000'000;
constexpr std::uint64_t kMaxScryptBlocks = std::uint64_t{1} << 21;  // of 128 bytes, all passes
// N, r and p: as much memory as OpenSSL's own reader allows.
constexpr std::uint64_t kScryptN = 16384, kScryptR = 8, kScryptP = 5;

BioPtr Reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <typename T>
T* Unpack(const X509_ALGOR* algorithm, const ASN1_ITEM* item, int* nid) {
  const ASN1_OBJECT* object = nullptr;
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(&object, &type, &value, algorithm);
  *nid = OBJ_obj2nid(object);
  if (type != V_ASN1_SEQUENCE || item == nullptr) return nullptr;
  return static_cast<T*>(ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), item));
}

// nullopt: negative or more than 2^64.
std::optional<std::uint64_t> Number(const ASN1_INTEGER* integer) {
  std::uint64_t value = 0;
  if (ASN1_INTEGER_get_uint64(&value, integer) != 1) return std::nullopt;
  return value;
}

// RFC 8018: PBES2 with PBKDF2 or scrypt, at a cost that can be paid.
bool CostIsBearable(const X509_SIG* encrypted) {
  const X509_ALGOR* outer = nullptr;
  X509_SIG_get0(encrypted, &outer, nullptr);
  int nid = NID_undef;
  const OpensslPtr<PBE2PARAM, PBE2PARAM_free> scheme(
      Unpack<PBE2PARAM>(outer, ASN1_ITEM_rptr(PBE2PARAM), &nid));
  if (nid != NID_pbes2 || !scheme) return false;
  const X509_ALGOR* kdf = scheme->keyfunc;
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, kdf);
  if (OBJ_obj2nid(object) == NID_id_pbkdf2) {
    const OpensslPtr<PBKDF2PARAM, PBKDF2PARAM_free> parameters(
        Unpack<PBKDF2PARAM>(kdf, ASN1_ITEM_rptr(PBKDF2PARAM), &nid));
    const auto iterations = parameters ? Number(parameters->iter) : std::nullopt;
    return iterations && *iterations <= kMaxIterations;
  }
  const OpensslPtr<SCRYPT_PARAMS, SCRYPT_PARAMS_free> parameters(
      Unpack<SCRYPT_PARAMS>(kdf, ASN1_ITEM_rptr(SCRYPT_PARAMS), &nid));
  if (nid != NID_id_scrypt || !parameters) return false;
  const auto n = Number(parameters->costParameter);
  const auto r = Number(parameters->blockSize);
  const auto p = Number(parameters->parallelizationParameter);
  return n && r && p && *r > 0 && *p > 0 && *n <= kMaxScryptBlocks / *r &&
         *n * *r <= kMaxScryptBlocks / *p;
}

Result<PrivateKeyPtr> Decrypt(std::string_view text, const std::string& subject,
                              const PasswordSource& password) {
  const BioPtr in = Reader(text);
  const EncryptedKeyPtr encrypted(PEM_read_bio_PKCS8(in.get(), nullptr, nullptr, nullptr));
  if (!encrypted) return Error{Errc::kMalformed, subject, "an encrypted PEM key that is broken"};
  if (!CostIsBearable(encrypted.get())) {
    return Error{Errc::kUnsupported, subject,
                 "an encrypted PEM key of another form than PBES2 with PBKDF2 or scrypt, or whose "
                 "password costs too much",
                 std::nullopt, "openssl pkcs8 -topk8 -scrypt writes it anew"};
  }
  const Secret given = HM_TRY(password(fmt::format("the password of {}", subject)));
  const PlainInfoPtr plain(
      PKCS8_decrypt(encrypted.get(), given.Text().data(), static_cast<int>(given.Size())));
  if (!plain) return Error{Errc::kUsage, subject, "the password does not open this key"};
  PrivateKeyPtr key(EVP_PKCS82PKEY(plain.get()));
  if (!key) return Error{Errc::kMalformed, subject, "a PEM key that OpenSSL cannot read"};
  return key;
}

// For PEM's own encryption, which files before PKCS #8 have.
struct Asked {
  const PasswordSource& password;
  const std::string& subject;
  std::optional<Error> error = std::nullopt;
  bool was_asked = false;
};

int AskForPassword(char* buffer, int size, int, void* data) {
  Asked& asked = *static_cast<Asked*>(data);
  asked.was_asked = true;
  const auto given = asked.password(fmt::format("the password of {}", asked.subject));
  if (!given) {
    asked.error = given.error();
    return -1;
  }
  if (given->Size() > static_cast<std::size_t>(size)) return -1;
  std::ranges::copy(given->Text(), buffer);
  return static_cast<int>(given->Size());
}

Result<PrivateKeyPtr> Read(std::string_view text, const std::string& subject,
                           const PasswordSource& password) {
  const BioPtr in = Reader(text);
  Asked asked{password, subject};
  PrivateKeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, AskForPassword, &asked));
  if (key) return key;
  if (asked.error) return *asked.error;
  if (asked.was_asked) return Error{Errc::kUsage, subject, "the password does not open this key"};
  return Error{Errc::kMalformed, subject, "a PEM key that OpenSSL cannot read"};
}

Result<EncryptedKeyPtr> Encrypt(PKCS8_PRIV_KEY_INFO* plain, const Secret& password) {
  AlgorithmPtr scheme(
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 16, nullptr, kScryptN, kScryptR, kScryptP));
  EncryptedKeyPtr encrypted(scheme ? PKCS8_set0_pbe(password.Text().data(),
                                                    static_cast<int>(password.Size()), plain,
                                                    scheme.get())
                                   : nullptr);
  if (!encrypted) return Error{Errc::kIo, "", "OpenSSL cannot encrypt the key"};
  (void)scheme.release();  // it is the encrypted key's now
  return encrypted;
}

const char* CurveName(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return "P-256";
    case KeyType::kP384:
      return "P-384";
    case KeyType::kP521:
      return "P-521";
    default:
      return nullptr;
  }
}

}  // namespace

bool IsPemPrivateKey(std::string_view text) {
  return text.find("PRIVATE KEY-----") != std::string_view::npos;
}

Result<SigningKey> ParsePemPrivateKey(std::string_view text, const std::string& subject,
                                      const PasswordSource& password) {
  const OpensslErrors errors;
  auto key =
      HM_TRY(text.find(kEncrypted) != std::string_view::npos ? Decrypt(text, subject, password)
                                                             : Read(text, subject, password));
  auto signer = HM_TRY(OpensslSigner(std::move(key), subject));
  return SigningKey{std::move(signer)};
}

Result<Secret> GenerateEcKeyPem(KeyType type, const Secret* password) {
  const OpensslErrors errors;
  const char* const curve = CurveName(type);
  if (curve == nullptr) return Error{Errc::kUsage, "", "no type of ECDSA key"};
  const PrivateKeyPtr key(EVP_EC_gen(curve));
  const PlainInfoPtr plain(key ? EVP_PKEY2PKCS8(key.get()) : nullptr);
  const BioPtr out(BIO_new(BIO_s_secmem()));
  if (!plain || !out) return Error{Errc::kIo, "", "OpenSSL cannot make a key"};
  int written = 0;
  if (password != nullptr) {
    const EncryptedKeyPtr encrypted = HM_TRY(Encrypt(plain.get(), *password));
    written = PEM_write_bio_PKCS8(out.get(), encrypted.get());
  } else {
    written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(out.get(), plain.get());
  }
  if (written != 1) return Error{Errc::kIo, "", "OpenSSL cannot write the key"};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  const MutableByteSpan bytes(reinterpret_cast<std::byte*>(text), static_cast<std::size_t>(size));
  Secret pem = Secret::Copy(bytes);
  WipeMemory(bytes);
  return pem;
}

}  // namespace hallmark
