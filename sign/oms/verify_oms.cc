#include "sign/oms/verify_oms.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <span>
#include <utility>

#include "sign/oms/legacy_encoding.h"
#include "sign/oms/oms_key.h"
#include "sign/sigstore/bundle.h"
#include "sign/sigstore/timestamp.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr const char* kLegacyHint = "accept legacy signatures if you must, or have it signed anew";

Error WithSubject(Error error, const std::string& subject) {
  error.subject = subject;
  return error;
}

// Of the bundle itself; its material and signature come later.
Result<void> CheckEnvelope(const SigstoreBundle& bundle, const std::string& subject) {
  const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content);
  if (!envelope) {
    return Error{Errc::kUnsupported, subject, "a bundle of a bare signature, no model signature"};
  }
  if (bundle.minor_version != 3) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("got a bundle of version 0.{}, model signatures have 0.3",
                             bundle.minor_version)};
  }
  if (envelope->payload_type != kInTotoPayloadType) {
    return Error{
        Errc::kUnsupported, subject,
        fmt::format("a payload of type {}, no statement", EscapeForPeople(envelope->payload_type))};
  }
  if (envelope->signatures.size() != 1) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("got {} signatures, wanted one", envelope->signatures.size())};
  }
  return {};
}

std::string_view MethodName(const SigstoreBundle& bundle) {
  const auto* chain = std::get_if<CertificateChain>(&bundle.material);
  if (!chain) return "key";
  return chain->single ? "sigstore" : "certificate";
}

Error OtherMethod(const SigstoreBundle& bundle, std::string_view wanted,
                  const std::string& subject) {
  return {Errc::kUntrusted, subject,
          fmt::format("it is signed by the method {}, wanted {}", MethodName(bundle), wanted)};
}

Result<void> CheckSignature(const DsseEnvelope& envelope, const PublicKey& key, bool accept_legacy,
                            const std::string& subject) {
  HM_TRY(CheckOmsKey(key, subject));
  const std::string& signature = envelope.signatures[0];
  const std::string signed_text = DssePreAuthEncoding(envelope.payload_type, envelope.payload);
  if (key.Verify(AsBytes(signed_text), AsBytes(signature))) return {};
  const std::string legacy = LegacyPreAuthEncoding(envelope.payload_type, envelope.payload);
  // That version hashed with SHA-256 whatever the curve.
  if (key.VerifyDigest(HashBytes(Algorithm::kSha256, AsBytes(legacy)), AsBytes(signature))) {
    if (accept_legacy) return {};
    return Error{Errc::kUntrusted, subject,
                 "it is signed in the wrong encoding of model_signing 0.2", std::nullopt,
                 kLegacyHint};
  }
  return Error{Errc::kUntrusted, subject, "the signature does not hold"};
}

// Method `key`: what the bundle says of the key has to be the policy's.
Result<void> CheckKeyMaterial(const SigstoreBundle& bundle, const PublicKey& key,
                              const OmsPolicy& policy, const std::string& subject) {
  const Error other_key{Errc::kUntrusted, subject, "it is signed with another key"};
  if (const auto* hint = std::get_if<KeyHint>(&bundle.material)) {
    if (!hint->hint.empty() && hint->hint != OmsKeyHint(key)) return other_key;
    return {};
  }
  const auto* raw = std::get_if<RawKey>(&bundle.material);
  if (!raw) return OtherMethod(bundle, "key", subject);
  if (!policy.accept_legacy) {
    return Error{Errc::kUnsupported, subject,
                 "its key is written in full, as versions before 1.1 of model_signing did",
                 std::nullopt, kLegacyHint};
  }
  if (raw->der != key.Pem() && raw->der != key.Spki()) return other_key;
  return {};
}

// The bundle's own certificates, leaf first; none of them is trusted.
Result<std::vector<Certificate>> ReadCertificates(const CertificateChain& chain,
                                                  const std::string& subject) {
  std::vector<Certificate> certificates;
  for (const std::string& der : chain.certificates) {
    certificates.push_back(HM_TRY(Certificate::FromDer(AsBytes(der), subject)));
  }
  return certificates;
}

// Says itself that it may sign data: a certificate of TLS or of nothing in particular does not.
bool SaysItMaySign(const Certificate& leaf) {
  const bool has_usage = (X509_get_extension_flags(leaf.Get()) & EXFLAG_KUSAGE) != 0;
  return leaf.MaySign() && (has_usage || leaf.HasCodeSigning());
}

Result<void> CheckRule(const Certificate& leaf, const PublicKey& key, const CertificateRule& rule,
                       const std::string& subject) {
  const auto refuse = [&](std::string_view what, const std::string& got,
                          const std::string& wanted) {
    return Error{Errc::kUntrusted, subject,
                 fmt::format("the certificate's {} is {}, wanted {}", what, EscapeForPeople(got),
                             EscapeForPeople(wanted))};
  };
  const std::vector<std::string> identities = leaf.Identities();
  if (!rule.identity.empty() && std::ranges::find(identities, rule.identity) == identities.end()) {
    return refuse("identity", identities.empty() ? "none" : identities[0], rule.identity);
  }
  if (!rule.subject.empty() && leaf.SubjectName() != rule.subject) {
    return refuse("subject", leaf.SubjectName(), rule.subject);
  }
  if (rule.key && key.Fingerprint() != *rule.key) {
    return refuse("key", key.Fingerprint().ToString(), rule.key->ToString());
  }
  return {};
}

void NoteUnused(std::size_t count, std::string_view what, OmsSigned& result) {
  if (count == 0) return;
  result.findings.push_back({Severity::kNote, "unused-witness", "",
                             fmt::format("{} {} in the bundle prove nothing here", count, what)});
}

// The first time that an authority vouches for, if one does. Others' timestamps are passed over:
// whoever wants them gone can leave them out.
Result<std::optional<std::int64_t>> ProvenTime(const SigstoreBundle& bundle,
                                               std::span<const Authority> authorities,
                                               std::int64_t now, const std::string& subject,
                                               OmsSigned& result) {
  const std::string& signature = std::get<DsseEnvelope>(bundle.content).signatures[0];
  std::optional<std::int64_t> first;
  std::size_t unused = 0;
  for (const std::string& response : bundle.timestamps) {
    auto stamp = VerifyTimestamp(AsBytes(response), AsBytes(signature), authorities);
    if (!stamp && stamp.error().code != Errc::kUntrusted) {
      return WithSubject(std::move(stamp).error(), subject);
    }
    if (stamp && stamp->time <= now) {
      first = std::min(first.value_or(stamp->time), stamp->time);
    } else {
      ++unused;
    }
  }
  NoteUnused(unused, "timestamps", result);
  return first;
}

// Method `certificate`: the signer's key, once its certificate is accepted.
Result<PublicKey> CheckCertificates(const SigstoreBundle& bundle,
                                    const OmsCertificatePolicy& policy, std::int64_t now,
                                    const std::string& subject, OmsSigned& result) {
  const auto* chain = std::get_if<CertificateChain>(&bundle.material);
  if (!chain || chain->single) return OtherMethod(bundle, "certificate", subject);
  const std::vector<Certificate> certificates = HM_TRY(ReadCertificates(*chain, subject));
  result.time = HM_TRY(ProvenTime(bundle, policy.timestamp_authorities, now, subject, result));
  const Certificate& leaf = certificates[0];
  auto built =
      BuildChain(leaf, std::span(certificates).subspan(1), policy.roots, result.time.value_or(now));
  if (!built) return WithSubject(std::move(built).error(), subject);
  if (!SaysItMaySign(leaf)) {
    return Error{Errc::kUntrusted, subject, "the certificate is not for signing"};
  }
  const PublicKey key = HM_TRY(leaf.Key());
  HM_TRY(CheckRule(leaf, key, policy.rule, subject));
  const std::vector<std::string> identities = leaf.Identities();
  result.signer = identities.empty() ? leaf.SubjectName() : identities[0];
  return key;
}

// Method `sigstore`, all of it.
Result<void> CheckKeyless(const SigstoreBundle& bundle, const OmsKeylessPolicy& policy,
                          std::int64_t now, const std::string& subject, OmsSigned& result) {
  const auto* chain = std::get_if<CertificateChain>(&bundle.material);
  if (!chain || !chain->single) return OtherMethod(bundle, "sigstore", subject);
  auto verified = VerifyEnvelopeBundle(bundle, *policy.root, {policy.signer, now});
  if (!verified) return WithSubject(std::move(verified).error(), subject);
  HM_CHECK(verified->identity.has_value());
  result.signer = verified->identity->identity;
  result.issuer = verified->identity->issuer;
  result.time = std::ranges::min(verified->times, {}, &SigstoreVerified::Time::unix).unix;
  return {};
}

Result<void> CheckRuleIsThere(const CertificateRule& rule, const std::string& subject) {
  if (!rule.identity.empty() || !rule.subject.empty() || rule.key) return {};
  return Error{Errc::kUsage, subject, "nothing says whose certificate it has to be", std::nullopt,
               "name an identity, a subject or a key"};
}

// Signature and signer, by the method that the policy is for.
Result<void> CheckSigner(const SigstoreBundle& bundle, const OmsPolicy& policy,
                         const std::string& subject, OmsSigned& result) {
  const auto& envelope = std::get<DsseEnvelope>(bundle.content);
  if (const auto* keyless = std::get_if<OmsKeylessPolicy>(&policy.signer)) {
    return CheckKeyless(bundle, *keyless, policy.now, subject, result);
  }
  NoteUnused(bundle.log_entries.size(), "entries of logs", result);
  if (const auto* certified = std::get_if<OmsCertificatePolicy>(&policy.signer)) {
    HM_TRY(CheckRuleIsThere(certified->rule, subject));
    const PublicKey key =
        HM_TRY(CheckCertificates(bundle, *certified, policy.now, subject, result));
    return CheckSignature(envelope, key, policy.accept_legacy, subject);
  }
  const auto& key = std::get<PublicKey>(policy.signer);
  NoteUnused(bundle.timestamps.size(), "timestamps", result);
  HM_TRY(CheckKeyMaterial(bundle, key, policy, subject));
  result.signer = OmsKeyHint(key);
  return CheckSignature(envelope, key, policy.accept_legacy, subject);
}

}  // namespace

Result<OmsSigned> VerifyOmsBundle(std::string_view text, const OmsPolicy& policy,
                                  const std::string& subject) {
  const SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(text, subject));
  HM_TRY(CheckEnvelope(bundle, subject));
  OmsSigned result;
  HM_TRY(CheckSigner(bundle, policy, subject, result));
  const std::string& payload = std::get<DsseEnvelope>(bundle.content).payload;
  result.statement = HM_TRY(ParseOmsStatement(payload, subject));
  if (result.statement.is_legacy && !policy.accept_legacy) {
    return Error{Errc::kUnsupported, subject, "a statement as version 0.2 of model_signing made it",
                 std::nullopt, kLegacyHint};
  }
  return result;
}

}  // namespace hallmark
