#include "sign/sigstore/verify_bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "sign/sigstore/certificate.h"
#include "sign/sigstore/certificate_transparency.h"
#include "sign/sigstore/in_toto.h"
#include "sign/sigstore/log_body.h"
#include "sign/sigstore/log_entry.h"
#include "sign/sigstore/timestamp.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxTimestamps = 32;

Error Malformed(std::string message) { return {Errc::kMalformed, "", std::move(message)}; }
Error Untrusted(std::string message) { return {Errc::kUntrusted, "", std::move(message)}; }

const std::string& SignatureOf(const SigstoreBundle& bundle) {
  if (const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content)) {
    return envelope->signatures[0];
  }
  return std::get<MessageSignature>(bundle.content).signature;
}

// What must be there, whatever it says.
Result<void> CheckShape(const SigstoreBundle& bundle) {
  if (bundle.log_entries.empty()) return Malformed("it has no log entry");
  if (const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content)) {
    if (envelope->signatures.size() != 1) return Malformed("its envelope has not one signature");
  }
  if (SignatureOf(bundle).empty()) return Malformed("its signature is empty");
  std::set<std::pair<std::string, std::uint64_t>> entries;
  for (const LogEntry& entry : bundle.log_entries) {
    if (!entries.insert({entry.log_id, entry.log_index}).second) {
      return Malformed("it has the same log entry twice");
    }
  }
  if (bundle.timestamps.size() > kMaxTimestamps) {
    return Malformed(
        fmt::format("got {} timestamps, limit {}", bundle.timestamps.size(), kMaxTimestamps));
  }
  if (std::set<std::string>(bundle.timestamps.begin(), bundle.timestamps.end()).size() !=
      bundle.timestamps.size()) {
    return Malformed("it has the same timestamp twice");
  }
  return {};
}

Result<Certificate> ReadLeaf(const SigstoreBundle& bundle) {
  const auto* chain = std::get_if<CertificateChain>(&bundle.material);
  if (chain == nullptr) return Untrusted("it is signed with a key, not with a certificate");
  if (chain->single != (bundle.minor_version >= 3)) {
    return Malformed(chain->single ? "a bundle before version 0.3 with a lone certificate"
                                   : "a bundle of version 0.3 with a certificate chain");
  }
  // Those above the leaf are not used: the trusted root has what is needed.
  for (std::size_t i = 1; i < chain->certificates.size(); ++i) {
    const Certificate above = HM_TRY(Certificate::FromDer(AsBytes(chain->certificates[i]), ""));
    if (above.IsSelfIssued()) return Malformed("its certificate chain has a root in it");
  }
  return Certificate::FromDer(AsBytes(chain->certificates[0]), "");
}

// Logs and timestamps, which hold or not whatever was signed.
struct Witnesses {
  std::vector<SigstoreVerified::Time> times;
  std::vector<SigstoreVerified::Entry> entries;
  // Why a timestamp does not count, if one does not.
  std::string objection;
};

Result<void> AddTimestamps(const SigstoreBundle& bundle, const TrustedRoot& root, std::int64_t now,
                           Witnesses& witnesses) {
  for (const std::string& response : bundle.timestamps) {
    auto timestamp = VerifyTimestamp(AsBytes(response), AsBytes(SignatureOf(bundle)),
                                     root.timestamp_authorities);
    if (timestamp && timestamp->time > now) {
      return Untrusted("its timestamp is of the future, of " + UnixTimeText(timestamp->time));
    }
    if (timestamp) {
      witnesses.times.push_back({timestamp->time, std::move(timestamp->authority)});
    } else if (timestamp.error().code == Errc::kUntrusted) {
      // Of an authority that somebody else trusts, perhaps; it proves nothing here.
      witnesses.objection = timestamp.error().message;
    } else {
      return std::move(timestamp).error();
    }
  }
  return {};
}

Result<Witnesses> CheckWitnesses(const SigstoreBundle& bundle, const TrustedRoot& root,
                                 std::int64_t now) {
  Witnesses witnesses;
  std::vector<const TransparencyLog*> logs;
  for (const LogEntry& entry : bundle.log_entries) {
    const VerifiedLogEntry verified =
        HM_TRY(VerifyLogEntry(entry, bundle.minor_version, root, now));
    logs.push_back(verified.log);
    witnesses.entries.push_back({verified.log->name, entry.log_index});
    if (verified.time) witnesses.times.push_back({*verified.time, verified.log->name});
  }
  HM_TRY(AddTimestamps(bundle, root, now, witnesses));
  for (const TransparencyLog* log : logs) {
    for (const SigstoreVerified::Time& time : witnesses.times) {
      if (!log->valid.Has(time.unix)) {
        return Untrusted(fmt::format("the trusted root does not trust the log {} at {}",
                                     EscapeForPeople(log->name), UnixTimeText(time.unix)));
      }
    }
  }
  return witnesses;
}

// The chain at one time, to an authority that the root trusts at that time.
Result<std::vector<Certificate>> ChainAt(const Certificate& leaf, const TrustedRoot& root,
                                         std::int64_t time) {
  Error refusal =
      Untrusted("the trusted root has no certificate authority for " + UnixTimeText(time));
  for (const Authority& authority : root.certificate_authorities) {
    if (!authority.valid.Has(time)) continue;
    auto chain = BuildChain(leaf, authority.Intermediates(), authority.Root(), time);
    if (chain && chain->size() > 1) return chain;
    if (!chain) refusal.message = std::move(chain).error().message;
  }
  return refusal;
}

Result<void> CheckCertificate(const Certificate& leaf, const TrustedRoot& root,
                              const Witnesses& witnesses) {
  if (witnesses.times.empty()) {
    return Untrusted(witnesses.objection.empty()
                         ? "nothing says when it was signed: no promise of a log, no timestamp"
                         : witnesses.objection);
  }
  for (const SigstoreVerified::Time& time : witnesses.times) {
    if (time.unix < leaf.NotBefore() || time.unix > leaf.NotAfter()) {
      return Untrusted(fmt::format("it was signed at {}, its certificate is valid from {} to {}",
                                   UnixTimeText(time.unix), UnixTimeText(leaf.NotBefore()),
                                   UnixTimeText(leaf.NotAfter())));
    }
    const std::vector<Certificate> chain = HM_TRY(ChainAt(leaf, root, time.unix));
    HM_TRY(VerifyCertificateTimestamp(leaf, chain[1], root.certificate_logs));
  }
  if (leaf.IsAuthority() || !leaf.MaySign() || !leaf.HasCodeSigning()) {
    return Untrusted("its certificate is not one for signing code");
  }
  return {};
}

Result<void> CheckIdentity(const Certificate& leaf, const SignerIdentity& wanted) {
  const std::vector<std::string> identities = leaf.Identities();
  if (std::ranges::find(identities, wanted.identity) == identities.end()) {
    return Untrusted(fmt::format("it is signed by {}, not by {}",
                                 identities.empty() ? "nobody" : EscapeForPeople(identities[0]),
                                 EscapeForPeople(wanted.identity)));
  }
  const auto issuer = leaf.OidcIssuer();
  if (issuer != wanted.issuer) {
    return Untrusted(fmt::format("its signer is vouched for by {}, not by {}",
                                 issuer ? EscapeForPeople(*issuer) : "nobody",
                                 EscapeForPeople(wanted.issuer)));
  }
  return {};
}

Result<void> CheckEnvelopeSignature(const DsseEnvelope& envelope, const PublicKey& key) {
  const std::string signed_text = DssePreAuthEncoding(envelope.payload_type, envelope.payload);
  if (!key.Verify(AsBytes(signed_text), AsBytes(envelope.signatures[0]))) {
    return Untrusted("the signature of its envelope does not hold");
  }
  return {};
}

Result<void> CheckFileSignature(const MessageSignature& message, const PublicKey& key,
                                const FileDigest& file) {
  if (key.Type() == KeyType::kEd25519) {
    return Error{Errc::kUnsupported, "", "an Ed25519 signature of a file in a Sigstore bundle"};
  }
  const Algorithm algorithm = message.digest ? message.digest->GetAlgorithm() : KeyHash(key.Type());
  const Digest digest = HM_TRY(file(algorithm));
  if (message.digest && *message.digest != digest) {
    return Untrusted(fmt::format("it is of another file: of {}, got {}", message.digest->ToString(),
                                 digest.ToString()));
  }
  if (!key.VerifyDigest(digest, AsBytes(message.signature))) {
    return Untrusted("its signature of the file does not hold");
  }
  return {};
}

// All checks. `file` is null where there must be an envelope.
Result<SigstoreVerified> Verify(const SigstoreBundle& bundle, const TrustedRoot& root,
                                const SigstorePolicy& policy, const FileDigest* file) {
  const auto* identity = std::get_if<SignerIdentity>(&policy.signer);
  if (identity != nullptr && (identity->identity.empty() || identity->issuer.empty())) {
    return Error{Errc::kUsage, "", "an expected signer without an identity or without an issuer"};
  }
  HM_TRY(CheckShape(bundle));
  std::optional<Certificate> leaf;
  if (identity != nullptr) {
    leaf = HM_TRY(ReadLeaf(bundle));
  } else if (std::holds_alternative<CertificateChain>(bundle.material)) {
    return Untrusted("it is signed with a certificate, not with a key");
  }
  Witnesses witnesses = HM_TRY(CheckWitnesses(bundle, root, policy.now));
  if (leaf) {
    HM_TRY(CheckCertificate(*leaf, root, witnesses));
    HM_TRY(CheckIdentity(*leaf, *identity));
  }
  const PublicKey key = leaf ? HM_TRY(leaf->Key()) : std::get<PublicKey>(policy.signer);

  const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content);
  SignedContent content = {leaf ? std::variant<Certificate, PublicKey>(*leaf) : key, envelope,
                           SignatureOf(bundle), nullptr};
  if (envelope != nullptr) {
    HM_TRY(CheckEnvelopeSignature(*envelope, key));
    content.digest = [envelope](Algorithm algorithm) -> Result<Digest> {
      return HashBytes(algorithm,
                       AsBytes(DssePreAuthEncoding(envelope->payload_type, envelope->payload)));
    };
  } else {
    HM_CHECK(file != nullptr);
    HM_TRY(CheckFileSignature(std::get<MessageSignature>(bundle.content), key, *file));
    content.digest = *file;
  }
  for (const LogEntry& entry : bundle.log_entries) HM_TRY(CheckLogBody(entry, content));
  return SigstoreVerified{identity ? std::optional(*identity) : std::nullopt, key,
                          std::move(witnesses.times), std::move(witnesses.entries)};
}

}  // namespace

Result<SigstoreVerified> VerifyEnvelopeBundle(const SigstoreBundle& bundle, const TrustedRoot& root,
                                              const SigstorePolicy& policy) {
  if (!std::holds_alternative<DsseEnvelope>(bundle.content)) {
    return Untrusted("it is a signature of a file, not of a statement");
  }
  return Verify(bundle, root, policy, nullptr);
}

Result<SigstoreVerified> VerifyFileBundle(const SigstoreBundle& bundle, const TrustedRoot& root,
                                          const SigstorePolicy& policy, const FileDigest& file) {
  SigstoreVerified verified = HM_TRY(Verify(bundle, root, policy, &file));
  if (const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content)) {
    const Digest digest = HM_TRY(file(Algorithm::kSha256));
    HM_TRY(CheckStatementSubject(*envelope, digest));
  }
  return verified;
}

}  // namespace hallmark
