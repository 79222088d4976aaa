#include "verify/signatures/endorse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "sign/in_toto/statement.h"
#include "sign/trust/statement_signature.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/io/file.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 5> kSuffixes = {".sig", ".minisig", ".signify",
                                                       ".sigstore.json", ".sigstore"};
// Behind the name of a statement's signature.
constexpr std::string_view kProofSuffix = ".tlog-proof";
// Sources that are signed themselves.
constexpr std::array<std::string_view, 4> kSelfSigned = {"oms", "in-toto", "sigstore", "statement"};

// One signature of a source, not looked at yet.
struct Candidate {
  std::string name;  // of its file; that of the source where it stands inside
  std::string text;
};

Error Untrusted(std::string subject, std::string message, std::string hint = {}) {
  return {Errc::kUntrusted, std::move(subject), std::move(message), std::nullopt, std::move(hint)};
}

class Endorser {
 public:
  Endorser(const SignatureRules& rules, Source& source) : rules_(rules), source_(source) {}

  // `named`: the signature's file as the user named it; empty: to be looked for.
  Result<void> Run(const fs::path& named) {
    const std::vector<Candidate> candidates = HM_TRY(Candidates(named));
    for (const Candidate& candidate : candidates) HM_TRY(Check(candidate));
    if (!rules_.required || !source_.endorsements.empty()) return {};
    if (candidates.empty()) {
      return Untrusted(source_.name, "it is not signed",
                       "name its signature with --signature; beside it, NAME.sig and NAME.minisig "
                       "are looked for");
    }
    return Untrusted(source_.name, "it is signed, but by nobody who is trusted here: " + strangers_,
                     "--key names a key for this run, hallmark trust add one to keep");
  }

 private:
  bool IsSelfSigned() const {
    return std::ranges::find(kSelfSigned, source_.dialect) != kSelfSigned.end();
  }

  Result<std::vector<Candidate>> Candidates(const fs::path& named) const {
    std::vector<Candidate> found;
    if (IsSelfSigned()) found.push_back({source_.name, *source_.text});
    if (!source_.embedded_signature.empty()) {
      found.push_back({source_.name, source_.embedded_signature});
    }
    const auto read = [&](const fs::path& path) -> Result<void> {
      const auto file = HM_TRY(OpenFile(path));
      found.push_back({path.string(), HM_TRY(ReadWholeFile(*file, kMaxSignatureBytes))});
      return {};
    };
    if (!named.empty()) {
      HM_TRY(read(named));
    } else if (!source_.file.empty()) {
      for (const std::string_view suffix : kSuffixes) {
        const fs::path path = source_.file.string() + std::string(suffix);
        std::error_code ignored;
        if (fs::is_regular_file(path, ignored)) HM_TRY(read(path));
      }
    }
    return found;
  }

  Result<void> Check(const Candidate& candidate) {
    if (LooksLikeStatementSignature(candidate.text)) return CheckStatement(candidate);
    if (const SignatureScheme* scheme = FindSignatureScheme(candidate.text)) {
      return CheckDetached(*scheme, candidate);
    }
    if (candidate.text.starts_with('{')) return CheckBundle(candidate);
    Note(candidate, "unusable-signature", "no signature of a kind that is known here");
    return {};
  }

  void Note(const Candidate& candidate, std::string code, std::string message) {
    source_.findings.push_back(
        {Severity::kWarning, std::move(code), candidate.name, std::move(message)});
  }

  void NoteStranger(const Candidate& candidate, const std::string& who) {
    strangers_ += (strangers_.empty() ? "" : ", ") + who;
    Note(candidate, "unknown-signer", fmt::format("signed by {}, whom nobody here trusts", who));
  }

  // hallmark's own: over the digest of the source's bytes and over the weights.
  Result<void> CheckStatement(const Candidate& candidate) {
    const SignedStatement parsed = HM_TRY(ParseSignedStatement(candidate.text, candidate.name));
    const StatementText& statement = parsed.statement;
    HM_TRY(CheckSubject(statement, candidate.name));
    if (!rules_.origin.empty() && statement.origin != rules_.origin) {
      return Untrusted(
          candidate.name,
          fmt::format("it speaks for {}, not for {}",
                      statement.origin.empty() ? "no origin" : statement.origin, rules_.origin));
    }
    Endorsement endorsement{.signer = {},
                            .scheme = "signed statement",
                            .origin = statement.origin,
                            .comment = fmt::format("version {}", statement.version)};
    if (!rules_.keys.empty()) {
      const auto signers = HM_TRY(FindSigners(parsed.note, rules_.keys, candidate.name));
      if (!signers.empty()) {
        HM_TRY(CheckAge(statement, candidate));
        for (const NamedKey* signer : signers) Join(signer->name, endorsement.signer);
        source_.endorsements.push_back(std::move(endorsement));
        return {};
      }
    }
    const auto trust = HM_TRY(rules_.store.Find(statement.origin));
    if (!trust || trust->Root().keys.empty()) {
      std::string who;
      for (const NoteSignature& line : parsed.note.signatures) {
        Join(EscapeForPeople(line.name), who);
      }
      NoteStranger(candidate, who);
      return {};
    }
    const Acceptance acceptance = HM_TRY(Accept(parsed, candidate.name));
    for (const std::string& signer : acceptance.signers) Join(signer, endorsement.signer);
    std::ranges::copy(acceptance.findings, std::back_inserter(source_.findings));
    source_.endorsements.push_back(std::move(endorsement));
    return {};
  }

  // That the signed text is about this source.
  Result<void> CheckSubject(const StatementText& statement, const std::string& name) const {
    if (source_.dialect == "statement") return {};
    if (statement.sha256 != HashBytes(Algorithm::kSha256, AsBytes(*source_.text))) {
      return Untrusted(
          name, fmt::format("it is over other bytes than {} has", EscapeForPeople(source_.name)));
    }
    if (!source_.manifest) return {};
    const Manifest& manifest = *source_.manifest;
    if (statement.kind != "manifest" || statement.weights != manifest.weights ||
        (!manifest.origin.empty() && manifest.origin != statement.origin) ||
        (manifest.version && manifest.version != statement.version) ||
        (manifest.expires && manifest.expires != statement.expires)) {
      return Untrusted(name,
                       "it says other things than the manifest that it signs: weights, "
                       "origin, version or expiry differ");
    }
    return {};
  }

  Result<Acceptance> Accept(const SignedStatement& statement, const std::string& name) const {
    StatementContext context;
    if (source_.manifest) context.previous = source_.manifest->previous;
    const std::string proof = name + std::string(kProofSuffix);
    std::error_code ignored;
    if (fs::is_regular_file(proof, ignored)) {
      const auto file = HM_TRY(OpenFile(proof));
      const std::string text = HM_TRY(ReadWholeFile(*file, kMaxSignatureBytes));
      context.proof = HM_TRY(ParseTlogProof(text, proof));
    }
    std::optional<Error> refused;
    std::optional<Acceptance> acceptance;
    HM_TRY(rules_.store.Change(statement.statement.origin, [&](OriginTrust& trust) -> Result<void> {
      auto judged = trust.Judge(statement, context, rules_.trust, rules_.now, name);
      if (judged) {
        trust.Record(*judged, rules_.now);
        acceptance = *std::move(judged);
      } else {
        refused = std::move(judged).error();
        trust.RecordEvent("refused", fmt::format("{}: {}", EscapeForPeople(name), refused->message),
                          rules_.now);
      }
      return {};
    }));
    if (refused) return *std::move(refused);
    return *std::move(acceptance);
  }

  // Without a store there is no memory of what was accepted, so only the dates count.
  Result<void> CheckAge(const StatementText& statement, const Candidate& candidate) {
    if (!statement.expires || *statement.expires > rules_.now) return {};
    if (!rules_.trust.at_rest) {
      return Untrusted(candidate.name, "it is expired",
                       "get the newest one; --at-rest checks a copy that was whole before");
    }
    Note(candidate, "expired-statement", "it is expired: there may be a newer one");
    return {};
  }

  // Keys that may sign lists: those of this run, and those of the origins that are trusted.
  Result<std::vector<NamedKey>> AllKeys() const {
    std::vector<NamedKey> keys = rules_.keys;
    if (!rules_.keys.empty()) return keys;
    for (const OriginTrust& trust : HM_TRY(rules_.store.List())) {
      if (!rules_.origin.empty() && trust.Origin() != rules_.origin) continue;
      // One signature is not enough where several must agree.
      if (trust.Root().threshold > 1) continue;
      for (NamedKey& key : trust.Keys()) {
        key.name += fmt::format(" for {}", trust.Origin());
        keys.push_back(std::move(key));
      }
    }
    return keys;
  }

  SignedFile SignedSource() const {
    return {.name = std::string(LastComponent(source_.name)),
            .digest = [this](Algorithm algorithm) -> Result<Digest> {
              return HashBytes(algorithm, AsBytes(*source_.text));
            },
            .bytes = [this]() -> Result<std::string> { return *source_.text; }};
  }

  Result<void> CheckDetached(const SignatureScheme& scheme, const Candidate& candidate) {
    const std::vector<NamedKey> keys = HM_TRY(AllKeys());
    auto check = scheme.check(candidate.text, SignedSource(), keys);
    if (!check) {
      Error error = std::move(check).error();
      if (error.subject.empty()) error.subject = candidate.name;
      if (rules_.required) return error;
      Note(candidate, "unusable-signature", std::move(error.message));
      return {};
    }
    switch (check->state) {
      case SignatureCheck::State::kGood:
        source_.endorsements.push_back({.signer = std::move(check->signer),
                                        .scheme = std::string(scheme.title),
                                        .comment = std::move(check->comment)});
        return {};
      case SignatureCheck::State::kUnknownKey:
        NoteStranger(candidate, "the key " + EscapeForPeople(check->key));
        return {};
      case SignatureCheck::State::kBad:
        break;
    }
    return Untrusted(candidate.name, std::move(check->reason));
  }

  // JSON of Sigstore's and its kin: the source itself, or beside it.
  Result<void> CheckBundle(const Candidate& candidate) {
    const bool is_source = IsSelfSigned() && candidate.name == source_.name;
    Attempts attempts;
    if (is_source && source_.dialect == "oms") {
      HM_TRY(TryOms(candidate, attempts));
    } else {
      HM_TRY(TryDsse(candidate, is_source, attempts));
      HM_TRY(TrySigstore(candidate, is_source, attempts));
    }
    if (attempts.good) {
      source_.endorsements.push_back(*std::move(attempts.good));
    } else if (attempts.first && rules_.required) {
      return *std::move(attempts.first);
    } else {
      NoteStranger(candidate, "somebody");
    }
    return {};
  }

  // What came of trying whom is trusted, one by one.
  struct Attempts {
    std::optional<Endorsement> good;
    std::optional<Error> first;  // why the first of them is not it
    void Fail(Error error) {
      if (!first) first = std::move(error);
    }
  };

  Result<void> TryOms(const Candidate& candidate, Attempts& attempts) {
    const auto now = static_cast<std::int64_t>(rules_.now);
    const auto attempt = [&](auto signer, std::string_view name) {
      const OmsPolicy policy{std::move(signer), now, rules_.accept_legacy};
      if (attempts.good) return;
      auto checked = VerifyOmsBundle(candidate.text, policy, candidate.name);
      if (!checked) return attempts.Fail(std::move(checked).error());
      std::ranges::move(checked->findings, std::back_inserter(source_.findings));
      attempts.good = {.signer = name.empty() ? checked->signer : std::string(name),
                       .scheme = "model signature",
                       .comment = checked->issuer};
    };
    for (const NamedKey& key : HM_TRY(AllKeys())) attempt(key.key, key.name);
    if (rules_.certificates) attempt(*rules_.certificates, "");
    if (rules_.identity) attempt(OmsKeylessPolicy{*rules_.identity, &SigstoreRoot()}, "");
    return {};
  }

  // An envelope of its own, without what Sigstore puts around it.
  Result<void> TryDsse(const Candidate& candidate, bool is_source, Attempts& attempts) {
    const auto document = JsonDocument::Parse(candidate.text, candidate.name);
    if (!is_source || !document || !document->Root().Find("payload")) return {};
    const DsseEnvelope envelope = HM_TRY(ParseDsseEnvelope(document->Root(), candidate.name));
    const std::string message = DssePreAuthEncoding(envelope.payload_type, envelope.payload);
    for (const NamedKey& key : HM_TRY(AllKeys())) {
      for (const std::string& signature : envelope.signatures) {
        if (!key.key.Verify(AsBytes(message), AsBytes(signature))) continue;
        HM_TRY(CheckBuilder(envelope, candidate));
        attempts.good = {.signer = key.name, .scheme = "signed envelope"};
        return {};
      }
    }
    attempts.Fail(Untrusted(candidate.name, "it is signed by none of the keys"));
    return {};
  }

  Result<void> TrySigstore(const Candidate& candidate, bool is_source, Attempts& attempts) {
    if (attempts.good) return {};
    auto bundle = ParseSigstoreBundle(candidate.text, candidate.name);
    if (!bundle) {
      attempts.Fail(std::move(bundle).error());
      return {};
    }
    std::vector<SigstorePolicy> policies;
    const auto now = static_cast<std::int64_t>(rules_.now);
    for (const NamedKey& key : HM_TRY(AllKeys())) policies.push_back({key.key, now});
    if (rules_.identity) policies.push_back({*rules_.identity, now});
    const auto* envelope = std::get_if<DsseEnvelope>(&bundle->content);
    for (const SigstorePolicy& policy : policies) {
      auto checked = is_source && envelope != nullptr
                         ? VerifyEnvelopeBundle(*bundle, SigstoreRoot(), policy)
                         : VerifyFileBundle(*bundle, SigstoreRoot(), policy, DigestOf(is_source));
      if (!checked) {
        if (checked.error().subject.empty()) checked.error().subject = candidate.name;
        attempts.Fail(std::move(checked).error());
        continue;
      }
      if (is_source && envelope != nullptr) HM_TRY(CheckBuilder(*envelope, candidate));
      attempts.good = {.signer = SignerOf(*checked, policy), .scheme = "Sigstore bundle"};
      return {};
    }
    return {};
  }

  // Of what a bundle is about: the source's bytes, or the file whose digest the source is.
  FileDigest DigestOf(bool is_source) const {
    if (!is_source) return SignedSource().digest;
    return [this](Algorithm algorithm) -> Result<Digest> {
      for (const ListedFile& file : source_.files) {
        for (const ListedDigest& listed : file.digests) {
          if (listed.digest.GetAlgorithm() == algorithm) return listed.digest;
        }
      }
      return Error{Errc::kUnsupported, source_.name, "it names no digest of the file it signs"};
    };
  }

  std::string SignerOf(const SigstoreVerified& verified, const SigstorePolicy& policy) const {
    if (verified.identity) {
      return fmt::format("{} by {}", verified.identity->identity, verified.identity->issuer);
    }
    for (const NamedKey& key : rules_.keys) {
      if (key.key == std::get<PublicKey>(policy.signer)) return key.name;
    }
    return verified.key.Fingerprint().ToString();
  }

  Result<void> CheckBuilder(const DsseEnvelope& envelope, const Candidate& candidate) const {
    if (rules_.builders.empty()) return {};
    const InTotoStatement statement =
        HM_TRY(ParseInTotoStatement(envelope.payload, candidate.name));
    if (!statement.slsa) return Untrusted(candidate.name, "it does not say who built it");
    if (std::ranges::find(rules_.builders, statement.slsa->builder) != rules_.builders.end()) {
      return {};
    }
    return Untrusted(candidate.name,
                     fmt::format("built by {}", EscapeForPeople(statement.slsa->builder)),
                     "--builder names who may have built it");
  }

  const TrustedRoot& SigstoreRoot() const {
    return rules_.sigstore_root ? *rules_.sigstore_root : SigstorePublicRoot();
  }

  static void Join(std::string_view name, std::string& names) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }

  const SignatureRules& rules_;
  Source& source_;
  std::string strangers_;
};

}  // namespace

Result<void> EndorseAll(const SignatureRules& rules, std::vector<Source>& sources) {
  if (rules.files.size() > sources.size()) {
    return Error{
        Errc::kUsage, "verify",
        fmt::format("got {} signatures for {} sources", rules.files.size(), sources.size())};
  }
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (!sources[s].text) {
      if (!rules.required) continue;
      return Untrusted(sources[s].name, "it is no list that could be signed");
    }
    HM_TRY(Endorser(rules, sources[s]).Run(s < rules.files.size() ? rules.files[s] : fs::path()));
    if (sources[s].endorsements.empty()) continue;
    std::erase_if(sources[s].findings,
                  [](const Finding& finding) { return finding.code == "signature-not-checked"; });
  }
  return {};
}

}  // namespace hallmark
