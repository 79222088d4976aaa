#include "verify/signatures/endorse_bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "sign/in_toto/statement.h"
#include "sign/oms/oms_key.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

// Statements that say of files that they are what they should be. Others say something else of
// them: that they were scanned, what is in them, that they are bad.
constexpr std::array<std::string_view, 4> kVouching = {
    "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2",
    "https://in-toto.io/attestation/release/v0.1", "https://sigstore.dev/cosign/sign/v1"};

std::string TimeText(std::int64_t time) {
  return UtcText(std::chrono::system_clock::time_point(std::chrono::seconds(time)));
}

class BundleChecker {
 public:
  BundleChecker(const SignatureText& signature, const Source& source, const SignatureRules& rules,
                std::span<const TrustedSigner> signers)
      : signature_(signature), source_(source), rules_(rules), signers_(signers) {}

  Result<BundleCheck> Run() {
    if (signature_.is_source && source_.oms) {
      HM_TRY(TryOms());
      return std::move(check_);
    }
    const auto document = JsonDocument::Parse(signature_.text, signature_.name);
    if (!document) {
      Fail(document.error());
    } else if (signature_.is_source && document->Root().Find("payload")) {
      TryEnvelope(document->Root());
    } else {
      TrySigstore();
    }
    return std::move(check_);
  }

 private:
  void Fail(Error error) {
    if (error.subject.empty()) error.subject = signature_.name;
    if (!check_.first) check_.first = std::move(error);
  }

  void Endorse(Endorsement endorsement) { check_.good = std::move(endorsement); }

  Result<void> TryOms() {
    const SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(signature_.text, signature_.name));
    const auto* hint = std::get_if<KeyHint>(&bundle.material);
    const std::string named = hint == nullptr ? "" : hint->hint;
    for (const TrustedSigner& signer : signers_) {
      const bool is_named = !named.empty() && named == OmsKeyHint(signer.key.key);
      if (!named.empty() && !is_named) continue;
      HM_TRY(TryOmsPolicy(signer.key.key, signer, is_named));
    }
    if (!named.empty() && !check_.good && !check_.first) {
      Fail({Errc::kUntrusted, "", "it is signed with another key"});
    }
    if (rules_.certificates) HM_TRY(TryOmsPolicy(*rules_.certificates, {}, false));
    if (rules_.identity) {
      HM_TRY(TryOmsPolicy(OmsKeylessPolicy{*rules_.identity, &SigstoreRoot()}, {}, false));
    }
    return {};
  }

  // `signer`: whose key it is, if one is asked for. `is_named`: the bundle says that it is theirs.
  Result<void> TryOmsPolicy(std::variant<PublicKey, OmsCertificatePolicy, OmsKeylessPolicy> whom,
                            std::optional<TrustedSigner> signer, bool is_named) {
    if (check_.good) return {};
    const OmsPolicy policy{std::move(whom), static_cast<std::int64_t>(rules_.now),
                           rules_.accept_legacy};
    auto checked = VerifyOmsBundle(signature_.text, policy, signature_.name);
    if (!checked) {
      if (is_named && checked.error().code == Errc::kUntrusted) return std::move(checked).error();
      Fail(std::move(checked).error());
      return {};
    }
    check_.findings = std::move(checked->findings);
    Endorsement endorsement{.signer = signer ? signer->key.name : checked->signer,
                            .scheme = "model signature",
                            .origin = signer ? signer->origin : "",
                            .for_this_run = !signer || signer->origin.empty()};
    if (!signer && rules_.certificates && !rules_.certificates->rule.identity.empty()) {
      endorsement.signer = rules_.certificates->rule.identity;  // the one that was asked for
    }
    if (!checked->issuer.empty()) endorsement.signer += " by " + checked->issuer;
    if (!checked->statement.is_legacy) {
      endorsement.comment = "root " + checked->statement.root.ToString();
    }
    if (checked->time) {
      endorsement.comment += (endorsement.comment.empty() ? "" : ", ") + std::string("signed by ") +
                             TimeText(*checked->time);
    }
    Endorse(std::move(endorsement));
    return {};
  }

  // An envelope of its own, without what Sigstore puts around it.
  void TryEnvelope(const JsonValue& root) {
    const auto envelope = ParseDsseEnvelope(root, signature_.name);
    if (!envelope) return Fail(envelope.error());
    const std::string message = DssePreAuthEncoding(envelope->payload_type, envelope->payload);
    for (const TrustedSigner& signer : signers_) {
      for (const std::string& signature : envelope->signatures) {
        if (!signer.key.key.Verify(AsBytes(message), AsBytes(signature))) continue;
        if (auto vouches = CheckVouching(*envelope); !vouches) return Fail(vouches.error());
        return Endorse({.signer = signer.key.name,
                        .scheme = "signed envelope",
                        .origin = signer.origin,
                        .for_this_run = signer.origin.empty()});
      }
    }
    Fail({Errc::kUntrusted, "", "it is signed by none of the keys"});
  }

  void TrySigstore() {
    const auto bundle = ParseSigstoreBundle(signature_.text, signature_.name);
    if (!bundle) return Fail(bundle.error());
    const auto now = static_cast<std::int64_t>(rules_.now);
    for (const TrustedSigner& signer : signers_) {
      TrySigstorePolicy(*bundle, {signer.key.key, now}, signer);
    }
    if (rules_.identity) TrySigstorePolicy(*bundle, {*rules_.identity, now}, {});
  }

  void TrySigstorePolicy(const SigstoreBundle& bundle, const SigstorePolicy& policy,
                         const std::optional<TrustedSigner>& signer) {
    if (check_.good) return;
    const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content);
    auto checked = signature_.is_source && envelope != nullptr
                       ? VerifyEnvelopeBundle(bundle, SigstoreRoot(), policy)
                       : VerifyFileBundle(bundle, SigstoreRoot(), policy, SignedDigest());
    if (!checked) return Fail(std::move(checked).error());
    if (envelope != nullptr) {
      if (auto vouches = CheckVouching(*envelope); !vouches) return Fail(vouches.error());
    }
    Endorsement endorsement{.signer = signer ? signer->key.name : "",
                            .scheme = "Sigstore bundle",
                            .origin = signer ? signer->origin : "",
                            .for_this_run = !signer || signer->origin.empty()};
    if (checked->identity) {
      endorsement.signer =
          fmt::format("{} by {}", checked->identity->identity, checked->identity->issuer);
    }
    if (!checked->times.empty()) {
      const SigstoreVerified::Time& time = checked->times.front();
      endorsement.comment = fmt::format("signed by {}, says {}", TimeText(time.unix), time.source);
    }
    Endorse(std::move(endorsement));
  }

  // Of what a bundle is about: the source's bytes, or the file whose digest the source is.
  FileDigest SignedDigest() const {
    if (!signature_.is_source) {
      return [this](Algorithm algorithm) -> Result<Digest> {
        return HashBytes(algorithm, AsBytes(*source_.text));
      };
    }
    return [this](Algorithm algorithm) -> Result<Digest> {
      for (const ListedFile& file : source_.files) {
        for (const ListedDigest& listed : file.digests) {
          if (listed.digest.GetAlgorithm() == algorithm) return listed.digest;
        }
      }
      return Error{Errc::kUnsupported, source_.name, "it names no digest of the file it signs"};
    };
  }

  Result<void> CheckVouching(const DsseEnvelope& envelope) const {
    const InTotoStatement statement =
        HM_TRY(ParseInTotoStatement(envelope.payload, signature_.name));
    if (std::ranges::find(kVouching, statement.predicate_type) != kVouching.end()) return {};
    return Error{Errc::kUntrusted, signature_.name,
                 fmt::format("a statement of type {} does not say that files are what they should "
                             "be",
                             EscapeForPeople(statement.predicate_type))};
  }

  const TrustedRoot& SigstoreRoot() const {
    return rules_.sigstore_root ? *rules_.sigstore_root : SigstorePublicRoot();
  }

  const SignatureText& signature_;
  const Source& source_;
  const SignatureRules& rules_;
  std::span<const TrustedSigner> signers_;
  BundleCheck check_;
};

}  // namespace

Result<BundleCheck> CheckBundle(const SignatureText& signature, const Source& source,
                                const SignatureRules& rules,
                                std::span<const TrustedSigner> signers) {
  return BundleChecker(signature, source, rules, signers).Run();
}

}  // namespace hallmark
