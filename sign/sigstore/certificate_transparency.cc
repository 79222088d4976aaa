#include "sign/sigstore/certificate_transparency.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "sign/keys/openssl_handles.h"
#include "src/base/byte_cursor.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::uint8_t kVersion1 = 0, kCertificateTimestamp = 0, kSha256 = 4, kRsa = 1, kEcdsa = 3;
constexpr std::uint16_t kPrecertificate = 1;
constexpr std::size_t kLogIdBytes = 32;
constexpr std::size_t kMaxCertificate = (1 << 24) - 1;
constexpr const char* kPlace = "the certificate's log timestamp";

struct CertificateTimestamp {  // RFC 6962, 3.2
  std::string log_id;
  std::uint64_t milliseconds = 0;
  std::string extensions;
  std::string signature;
};

Error Malformed(std::string message) {
  return {Errc::kMalformed, "", "the certificate has " + std::move(message)};
}

// The contents of the octet string in the extension, which is there once.
Result<std::string> EmbeddedList(const X509* certificate) {
  const int index = X509_get_ext_by_NID(certificate, NID_ct_precert_scts, -1);
  if (index < 0) return Malformed("no timestamp of a certificate log");
  if (X509_get_ext_by_NID(certificate, NID_ct_precert_scts, index) >= 0) {
    return Malformed("two lists of log timestamps");
  }
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(certificate, index));
  const unsigned char* at = ASN1_STRING_get0_data(value);
  const unsigned char* end = at + ASN1_STRING_length(value);
  const OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> list(
      d2i_ASN1_OCTET_STRING(nullptr, &at, static_cast<long>(end - at)));
  if (!list || at != end) return Malformed("a broken list of log timestamps");
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(list.get())),
                     static_cast<std::size_t>(ASN1_STRING_length(list.get())));
}

// A vector of TLS: its length in two bytes, then its bytes.
Result<std::string> TakeVector(ByteCursor& cursor) {
  const std::uint16_t size = HM_TRY(cursor.Big<std::uint16_t>());
  return std::string(HM_TRY(cursor.TakeText(size)));
}

Result<CertificateTimestamp> ParseTimestamp(const std::string& bytes) {
  ByteCursor cursor(AsBytes(bytes), kPlace);
  const std::uint8_t version = HM_TRY(cursor.U8());
  if (version != kVersion1) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("a certificate's log timestamp of version {}", version + 1)};
  }
  CertificateTimestamp timestamp;
  timestamp.log_id = HM_TRY(cursor.TakeText(kLogIdBytes));
  timestamp.milliseconds = HM_TRY(cursor.Big<std::uint64_t>());
  timestamp.extensions = HM_TRY(TakeVector(cursor));
  const std::uint8_t hash = HM_TRY(cursor.U8()), algorithm = HM_TRY(cursor.U8());
  if (hash != kSha256 || (algorithm != kRsa && algorithm != kEcdsa)) {
    return Malformed("a log timestamp that is not signed with SHA-256 and ECDSA or RSA");
  }
  timestamp.signature = HM_TRY(TakeVector(cursor));
  if (!cursor.AtEnd()) return cursor.Malformed("bytes follow it");
  return timestamp;
}

Result<CertificateTimestamp> OnlyTimestamp(const X509* certificate) {
  const std::string list = HM_TRY(EmbeddedList(certificate));
  ByteCursor whole(AsBytes(list), kPlace);
  const std::string items = HM_TRY(TakeVector(whole));
  ByteCursor cursor(AsBytes(items), kPlace);
  if (cursor.AtEnd()) return Malformed("an empty list of log timestamps");
  const std::string bytes = HM_TRY(TakeVector(cursor));
  if (!cursor.AtEnd() || !whole.AtEnd()) return Malformed("more than one log timestamp");
  return ParseTimestamp(bytes);
}

// The part of the certificate that is signed, without the list.
std::string Precertificate(X509* certificate) {
  const OpensslPtr<X509, X509_free> copy(X509_dup(certificate));
  const int index = X509_get_ext_by_NID(copy.get(), NID_ct_precert_scts, -1);
  const OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> removed(X509_delete_ext(copy.get(), index));
  unsigned char* encoded = nullptr;
  const int size = i2d_re_X509_tbs(copy.get(), &encoded);
  return TakeOpensslBytes(encoded, size);
}

std::string KeyDigest(const Certificate& issuer) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer.Get()), &encoded);
  const std::string spki = TakeOpensslBytes(encoded, size);
  return std::string(AsText(HashBytes(Algorithm::kSha256, AsBytes(spki)).Bytes()));
}

void AppendBig(std::string& text, std::uint64_t value, std::size_t bytes) {
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
}

// RFC 6962, 3.2: what is signed, of a precertificate.
std::string SignedBytes(const CertificateTimestamp& timestamp, const std::string& issuer_digest,
                        const std::string& certificate) {
  std::string bytes;
  AppendBig(bytes, kVersion1, 1);
  AppendBig(bytes, kCertificateTimestamp, 1);
  AppendBig(bytes, timestamp.milliseconds, 8);
  AppendBig(bytes, kPrecertificate, 2);
  bytes += issuer_digest;
  AppendBig(bytes, certificate.size(), 3);
  bytes += certificate;
  AppendBig(bytes, timestamp.extensions.size(), 2);
  return bytes + timestamp.extensions;
}

}  // namespace

Result<void> VerifyCertificateTimestamp(const Certificate& leaf, const Certificate& issuer,
                                        std::span<const TransparencyLog> logs) {
  const OpensslErrors clear;
  const CertificateTimestamp timestamp = HM_TRY(OnlyTimestamp(leaf.Get()));
  const std::string certificate = Precertificate(leaf.Get());
  if (certificate.empty() || certificate.size() > kMaxCertificate) {
    return Malformed("a form that no log has");
  }
  const std::string bytes = SignedBytes(timestamp, KeyDigest(issuer), certificate);
  const Digest digest = HashBytes(Algorithm::kSha256, AsBytes(bytes));
  const auto time = static_cast<std::int64_t>(timestamp.milliseconds / 1000);
  std::string objection = "is of a log that the trusted root does not have";
  for (const TransparencyLog& log : logs) {
    if (log.id != timestamp.log_id) continue;
    if (!log.public_key) {
      objection = "is of a log whose key is of a kind that is not known here";
    } else if (!log.valid.Has(time)) {
      objection = fmt::format("was made at {}, when the trusted root does not trust its log",
                              UnixTimeText(time));
    } else if (log.public_key->VerifyDigest(digest, AsBytes(timestamp.signature))) {
      return {};
    } else {
      objection = "is not signed by its log";
    }
  }
  return Error{Errc::kUntrusted, "", fmt::format("{} {}", kPlace, objection)};
}

}  // namespace hallmark
