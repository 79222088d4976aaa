#include "sign/sigstore/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "sign/keys/openssl_handles.h"
#include "sign/keys/pem.h"
#include "sign/sigstore/unix_time.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// Of 112 bits of security: no SHA-1, no RSA below 2048 bits.
constexpr int kSecurityLevel = 2;
constexpr int kMaxChain = 8;
constexpr const char* kIssuerOid = "1.3.6.1.4.1.57264.1.8";
constexpr const char* kOldIssuerOid = "1.3.6.1.4.1.57264.1.1";

using NameList = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using Store = OpensslPtr<X509_STORE, X509_STORE_free>;
using StoreContext = OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// Malformed times were refused when the certificate was read.
std::int64_t UnixTime(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

bool HasTimes(const X509* certificate) {
  std::tm parts{};
  return ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &parts) == 1 &&
         ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1;
}

// The value of an extension that stands there once.
std::optional<std::string> Extension(const X509* certificate, const char* oid) {
  const OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free> object(OBJ_txt2obj(oid, 1));
  const int index = X509_get_ext_by_OBJ(certificate, object.get(), -1);
  if (index < 0 || X509_get_ext_by_OBJ(certificate, object.get(), index) >= 0) return std::nullopt;
  return std::string(TextOf(X509_EXTENSION_get_data(X509_get_ext(certificate, index))));
}

// The text of a DER UTF8String and nothing else.
std::optional<std::string> Utf8String(const std::string& der) {
  const OpensslErrors clear;
  const unsigned char* at = OpensslBytes(AsBytes(der));
  const unsigned char* end = at + der.size();
  const OpensslPtr<ASN1_UTF8STRING, ASN1_UTF8STRING_free> text(
      d2i_ASN1_UTF8STRING(nullptr, &at, static_cast<long>(der.size())));
  if (!text || at != end) return std::nullopt;
  return std::string(TextOf(text.get()));
}

CertificateList ListOf(std::span<const Certificate> certificates) {
  CertificateList list(sk_X509_new_null());
  for (const Certificate& certificate : certificates) sk_X509_push(list.get(), certificate.Get());
  return list;
}

}  // namespace

Result<Certificate> Certificate::FromDer(ByteSpan der, std::string subject) {
  const OpensslErrors clear;
  const unsigned char* at = OpensslBytes(der);
  std::shared_ptr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())),
                                    X509_free);
  if (!certificate || at != OpensslBytes(der) + der.size() || !HasTimes(certificate.get())) {
    return Error{Errc::kMalformed, std::move(subject), "a certificate that cannot be read"};
  }
  if ((X509_get_extension_flags(certificate.get()) & EXFLAG_INVALID) != 0) {
    return Error{Errc::kMalformed, std::move(subject), "a certificate with broken extensions"};
  }
  return Certificate(std::move(certificate));
}

Result<std::vector<Certificate>> Certificate::FromPem(std::string_view pem,
                                                      const std::string& subject) {
  std::vector<Certificate> certificates;
  for (const PemBlock& block : HM_TRY(ReadPem(pem, subject))) {
    if (block.label != "CERTIFICATE") continue;
    certificates.push_back(HM_TRY(FromDer(AsBytes(block.der), subject)));
  }
  if (certificates.empty()) return Error{Errc::kMalformed, subject, "no certificate in PEM"};
  return certificates;
}

Result<PublicKey> Certificate::Key() const {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate_.get()), &encoded);
  const std::string spki = TakeOpensslBytes(encoded, size);
  return PublicKey::FromSpki(AsBytes(spki), EscapeForPeople(SubjectName()));
}

std::string Certificate::Der() const {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate_.get(), &encoded);
  return TakeOpensslBytes(encoded, size);
}

std::string Certificate::SubjectName() const {
  const OpensslPtr<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate_.get()), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

bool Certificate::IsSelfIssued() const {
  return (X509_get_extension_flags(certificate_.get()) & EXFLAG_SI) != 0;
}

bool Certificate::IsAuthority() const {
  // X509_get_key_usage gives all bits where there is no such extension.
  return (X509_get_extension_flags(certificate_.get()) & EXFLAG_CA) != 0 &&
         (X509_get_key_usage(certificate_.get()) & KU_KEY_CERT_SIGN) != 0;
}

bool Certificate::MaySign() const {
  const bool any_extended = (X509_get_extension_flags(certificate_.get()) & EXFLAG_XKUSAGE) == 0;
  return (X509_get_key_usage(certificate_.get()) & KU_DIGITAL_SIGNATURE) != 0 &&
         (any_extended || HasCodeSigning());
}

bool Certificate::HasCodeSigning() const {
  return (X509_get_extension_flags(certificate_.get()) & EXFLAG_XKUSAGE) != 0 &&
         (X509_get_extended_key_usage(certificate_.get()) & XKU_CODE_SIGN) != 0;
}

std::vector<std::string> Certificate::Identities() const {
  const OpensslErrors clear;
  std::vector<std::string> identities;
  const NameList names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_URI && type != GEN_EMAIL) continue;
    identities.emplace_back(TextOf(static_cast<const ASN1_STRING*>(value)));
  }
  return identities;
}

std::optional<std::string> Certificate::OidcIssuer() const {
  if (const auto der = Extension(certificate_.get(), kIssuerOid)) return Utf8String(*der);
  return Extension(certificate_.get(), kOldIssuerOid);
}

std::int64_t Certificate::NotBefore() const {
  return UnixTime(X509_get0_notBefore(certificate_.get()));
}
std::int64_t Certificate::NotAfter() const {
  return UnixTime(X509_get0_notAfter(certificate_.get()));
}

Result<std::vector<Certificate>> BuildChain(const Certificate& leaf,
                                            std::span<const Certificate> intermediates,
                                            std::span<const Certificate> roots, std::int64_t time) {
  const OpensslErrors clear;
  const auto refused = [&](int index, std::string_view why) {
    return Error{Errc::kUntrusted, EscapeForPeople(leaf.SubjectName()),
                 fmt::format("its certificate chain does not hold at {}: certificate {}: {}",
                             UnixTimeText(time), index, why)};
  };
  const Store store(X509_STORE_new());
  for (const Certificate& root : roots) X509_STORE_add_cert(store.get(), root.Get());
  const CertificateList untrusted = ListOf(intermediates);
  const StoreContext context(X509_STORE_CTX_new());
  if (!store || !context ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf.Get(), untrusted.get()) != 1) {
    return refused(0, "no memory");
  }
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(time));
  X509_VERIFY_PARAM_set_depth(rules, kMaxChain);
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  if (X509_verify_cert(context.get()) != 1) {
    const int code = X509_STORE_CTX_get_error(context.get());
    return refused(X509_STORE_CTX_get_error_depth(context.get()),
                   X509_verify_cert_error_string(code));
  }
  std::vector<Certificate> chain;
  const STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(found); ++i) {
    X509* certificate = sk_X509_value(found, i);
    X509_up_ref(certificate);
    chain.push_back(Certificate(std::shared_ptr<X509>(certificate, X509_free)));
    // OpenSSL also takes old forms that do not say CA:TRUE.
    if (i > 0 && !chain.back().IsAuthority()) return refused(i, "not of an authority");
  }
  return chain;
}

}  // namespace hallmark
