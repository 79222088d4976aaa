#include "sign/sigstore/timestamp.h"

#include <fmt/format.h>

#include <ctime>
#include <optional>
#include <utility>

#include "sign/keys/openssl_handles.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr int kSecurityLevel = 2;  // as for other chains
constexpr int kMaxChain = 8;

using Response = OpensslPtr<TS_RESP, TS_RESP_free>;
using Store = OpensslPtr<X509_STORE, X509_STORE_free>;

Error Malformed(std::string_view what) {
  return {Errc::kMalformed, "", fmt::format("a timestamp {}", what)};
}
Error Untrusted(std::string message) { return {Errc::kUntrusted, "", std::move(message)}; }

Result<Response> Read(ByteSpan der) {
  const unsigned char* at = OpensslBytes(der);
  Response response(d2i_TS_RESP(nullptr, &at, static_cast<long>(der.size())));
  if (!response || at != OpensslBytes(der) + der.size()) return Malformed("that cannot be read");
  const long status =
      ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response.get())));
  if (status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS) {
    return Malformed("that was not granted");
  }
  if (TS_RESP_get_tst_info(response.get()) == nullptr ||
      TS_RESP_get_token(response.get()) == nullptr) {
    return Malformed("without its contents");
  }
  return response;
}

std::optional<Algorithm> AlgorithmOf(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  switch (OBJ_obj2nid(object)) {
    case NID_sha256:
      return Algorithm::kSha256;
    case NID_sha384:
      return Algorithm::kSha384;
    case NID_sha512:
      return Algorithm::kSha512;
    default:
      return std::nullopt;
  }
}

Result<void> CheckImprint(TS_TST_INFO* info, ByteSpan message) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  const auto algorithm = AlgorithmOf(TS_MSG_IMPRINT_get_algo(imprint));
  if (!algorithm) return Malformed("with another digest than SHA-256, SHA-384 and SHA-512");
  const ASN1_OCTET_STRING* stated = TS_MSG_IMPRINT_get_msg(imprint);
  const Digest digest = HashBytes(*algorithm, message);
  const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(stated)),
                               static_cast<std::size_t>(ASN1_STRING_length(stated)));
  if (bytes != AsText(digest.Bytes())) return Untrusted("its timestamp is of another signature");
  return {};
}

// With the authority's root as the only one, at that time.
Store StoreOf(const Authority& authority, std::int64_t time) {
  Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.Root()[0].Get());
  X509_VERIFY_PARAM* rules = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(time));
  X509_VERIFY_PARAM_set_depth(rules, kMaxChain);
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  return store;
}

std::string LastReason() {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long code = ERR_peek_last_error_data(&data, &flags);
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "it does not hold" : reason;
  if (data != nullptr && (flags & ERR_TXT_STRING) != 0 && *data != '\0') {
    text += fmt::format(" ({})", EscapeForPeople(data));
  }
  return text;
}

// The reason against it, or nothing.
std::optional<std::string> Objection(PKCS7* token, const Authority& authority, std::int64_t time) {
  if (!authority.valid.Has(time)) {
    return fmt::format("made at {}, when the trusted root does not trust it", UnixTimeText(time));
  }
  const OpensslErrors clear;
  const Store store = StoreOf(authority, time);
  const CertificateList known(sk_X509_new_null());
  for (const Certificate& certificate : authority.chain) {
    sk_X509_push(known.get(), certificate.Get());
  }
  X509* found = nullptr;
  const bool good = TS_RESP_verify_signature(token, known.get(), store.get(), &found) == 1;
  const OpensslPtr<X509, X509_free> signer(found);
  if (!good) return LastReason();
  // A chain that begins with the signer names it; others of that authority are not meant.
  const Certificate& first = authority.chain.front();
  if (!first.IsAuthority() && X509_cmp(signer.get(), first.Get()) != 0) {
    return "signed by another certificate";
  }
  return std::nullopt;
}

}  // namespace

Result<VerifiedTimestamp> VerifyTimestamp(ByteSpan response, ByteSpan message,
                                          std::span<const Authority> authorities) {
  const OpensslErrors clear;
  const Response read = HM_TRY(Read(response));
  TS_TST_INFO* info = TS_RESP_get_tst_info(read.get());
  HM_TRY(CheckImprint(info, message));
  std::tm parts{};
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts) != 1) return Malformed("without a time");
  const std::int64_t time = timegm(&parts);
  std::string objections;
  for (const Authority& authority : authorities) {
    const auto objection = Objection(TS_RESP_get_token(read.get()), authority, time);
    if (!objection) return VerifiedTimestamp{time, authority.name};
    objections += fmt::format("{}{}: {}", objections.empty() ? "" : "; ",
                              EscapeForPeople(authority.name), *objection);
  }
  return Untrusted(authorities.empty()
                       ? "the trusted root has no timestamp authority for its timestamp"
                       : "no timestamp authority holds for its timestamp: " + objections);
}

}  // namespace hallmark
