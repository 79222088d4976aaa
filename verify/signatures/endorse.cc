#include "verify/signatures/endorse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <system_error>
#include <utility>

#include "sign/detached/signature_scheme.h"
#include "sign/trust/statement_signature.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/io/file.h"
#include "verify/signatures/endorse_bundle.h"
#include "verify/signatures/signers.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 5> kSuffixes = {".sig", ".minisig", ".signify",
                                                       ".sigstore.json", ".sigstore"};
// Behind the name of a statement's signature.
constexpr std::string_view kProofSuffix = ".tlog-proof";
// Sources that are signed themselves.
constexpr std::array<std::string_view, 4> kSelfSigned = {"oms", "in-toto", "sigstore", "statement"};

Error Untrusted(std::string subject, std::string message, std::string hint = {}) {
  return {Errc::kUntrusted, std::move(subject), std::move(message), std::nullopt, std::move(hint)};
}

class Endorser {
 public:
  Endorser(const SignatureRules& rules, std::span<const TrustedSigner> signers, Source& source)
      : rules_(rules), source_(source) {
    // A manifest that says for whom it speaks is believed by what is remembered of that origin.
    const bool speaks = source_.manifest && !source_.manifest->origin.empty();
    if (speaks) why_not_ = "; it names an origin, and needs a signed statement (NAME.sig)";
    std::ranges::copy_if(signers, std::back_inserter(signers_), [&](const TrustedSigner& signer) {
      return signer.origin.empty() || !speaks;
    });
  }

  // `named`: the signature's file as the user named it; empty: to be looked for.
  Result<void> Run(const fs::path& named) {
    HM_TRY(CheckBuilder());
    const std::vector<SignatureText> signatures = HM_TRY(FindSignatures(named));
    for (const SignatureText& signature : signatures) HM_TRY(Check(signature));
    if (!source_.endorsements.empty()) {
      std::erase_if(source_.findings, [](const Finding& finding) {
        return finding.code == "signature-not-checked" || finding.code == "unknown-signer";
      });
      return {};
    }
    if (!rules_.required) return {};
    if (failed_) {
      failed_->code = Errc::kUntrusted;  // what cannot be read is no signature
      return *std::move(failed_);
    }
    if (signatures.empty()) {
      return Untrusted(source_.name, "it is not signed",
                       "name its signature with --signature; beside it, NAME.sig and NAME.minisig "
                       "are looked for");
    }
    return Untrusted(source_.name,
                     "it is signed, but by nobody who is trusted here: " + strangers_ + why_not_,
                     "--key names a key for this run, hallmark trust add one to keep");
  }

 private:
  // Where a builder is asked for, a list that does not say who built its files is none of theirs.
  Result<void> CheckBuilder() const {
    if (rules_.builders.empty()) return {};
    if (std::ranges::find(rules_.builders, source_.builder) != rules_.builders.end()) return {};
    return Untrusted(source_.name,
                     source_.builder.empty()
                         ? "it does not say who built the files"
                         : fmt::format("built by {}", EscapeForPeople(source_.builder)),
                     "--builder names who may have built it");
  }

  Result<std::vector<SignatureText>> FindSignatures(const fs::path& named) {
    std::vector<SignatureText> found;
    if (std::ranges::find(kSelfSigned, source_.dialect) != kSelfSigned.end()) {
      found.push_back({source_.name, *source_.text, true});
    }
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
      return found;
    }
    if (source_.file.empty()) return found;
    for (const std::string_view suffix : kSuffixes) {
      const fs::path path = source_.file.string() + std::string(suffix);
      std::error_code ignored;
      if (!fs::is_regular_file(path, ignored)) continue;
      if (const auto done = read(path); !done) Fail({path.string(), ""}, done.error());
    }
    return found;
  }

  Result<void> Check(const SignatureText& signature) {
    if (LooksLikeStatementSignature(signature.text)) return CheckStatement(signature);
    if (const SignatureScheme* scheme = FindSignatureScheme(signature.text)) {
      return CheckDetached(*scheme, signature);
    }
    if (signature.text.starts_with('{')) return CheckJson(signature);
    Fail(signature, {Errc::kUnsupported, "", "no signature of a kind that is known here"});
    return {};
  }

  void Note(const SignatureText& signature, std::string code, std::string message) {
    source_.findings.push_back(
        {Severity::kWarning, std::move(code), signature.name, std::move(message)});
  }

  // One of several signatures cannot be used: another may be good.
  void Fail(const SignatureText& signature, Error error) {
    if (error.subject.empty()) error.subject = signature.name;
    Note(signature, "unusable-signature", error.message);
    if (!failed_) failed_ = std::move(error);
  }

  void NoteStranger(const SignatureText& signature, const std::string& who) {
    strangers_ += (strangers_.empty() ? "" : ", ") + who;
    Note(signature, "unknown-signer", fmt::format("signed by {}, whom nobody here trusts", who));
  }

  // hallmark's own: over the digest of the source's bytes and over the weights.
  Result<void> CheckStatement(const SignatureText& signature) {
    const auto read = ParseSignedStatement(signature.text, signature.name);
    if (!read) {
      Fail(signature, read.error());
      return {};
    }
    const SignedStatement& parsed = *read;
    const StatementText& statement = parsed.statement;
    HM_TRY(CheckSubject(statement, signature.name));
    if (!rules_.origin.empty() && statement.origin != rules_.origin) {
      return Untrusted(
          signature.name,
          fmt::format("it speaks for {}, not for {}",
                      statement.origin.empty() ? "no origin" : statement.origin, rules_.origin));
    }
    Endorsement endorsement{.signer = {},
                            .scheme = "signed " + statement.kind,
                            .origin = statement.origin,
                            .comment = fmt::format("version {}", statement.version),
                            .for_this_run = rules_.NameSomebody()};
    std::string strangers;
    for (const NoteSignature& line : parsed.note.signatures) {
      Join(EscapeForPeople(line.name), strangers);
    }
    if (statement.origin.empty() && !rules_.NameSomebody()) {
      strangers += " without an origin that could be trusted";
    }
    if (rules_.NameSomebody()) {
      const auto signers = HM_TRY(FindSigners(parsed.note, rules_.keys, signature.name));
      for (const NamedKey* signer : signers) Join(signer->name, endorsement.signer);
      if (signers.empty()) {
        NoteStranger(signature, strangers);
        return {};
      }
      HM_TRY(CheckAge(statement.expires, signature));
    } else {
      const auto trust = HM_TRY(rules_.store.Find(statement.origin));
      if (!trust || trust->Root().keys.empty()) {
        NoteStranger(signature, strangers);
        return {};
      }
      const Acceptance acceptance = HM_TRY(Accept(parsed, signature.name));
      for (const std::string& signer : acceptance.signers) Join(signer, endorsement.signer);
      std::ranges::copy(acceptance.findings, std::back_inserter(source_.findings));
    }
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
        (manifest.issued && manifest.issued != statement.issued) ||
        (manifest.expires && manifest.expires != statement.expires)) {
      return Untrusted(name,
                       "it says other things than the manifest that it signs: weights, "
                       "origin, version or dates differ");
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
  Result<void> CheckAge(const std::optional<std::uint64_t>& expires,
                        const SignatureText& signature) {
    if (!expires || *expires > rules_.now) return {};
    if (!rules_.trust.at_rest) {
      return Untrusted(signature.name, "what it signs is expired",
                       "get the newest one; --at-rest checks a copy that was whole before");
    }
    Note(signature, "expired-statement", "what it signs is expired: there may be a newer one");
    return {};
  }

  // Also of a manifest that is signed otherwise than as a statement.
  Result<void> Endorse(const SignatureText& signature, Endorsement endorsement) {
    if (source_.manifest) {
      HM_TRY(CheckAge(source_.manifest->expires, signature));
      const std::string& origin = source_.manifest->origin;
      if (!rules_.origin.empty() && !origin.empty() && origin != rules_.origin) {
        return Untrusted(signature.name, fmt::format("what it signs speaks for {}, not for {}",
                                                     origin, rules_.origin));
      }
    }
    source_.endorsements.push_back(std::move(endorsement));
    return {};
  }

  Result<void> CheckDetached(const SignatureScheme& scheme, const SignatureText& signature) {
    // Two origins may call their keys the same.
    std::vector<NamedKey> keys;
    for (const TrustedSigner& signer : signers_) {
      keys.push_back({std::to_string(keys.size()), signer.key.key, signer.key.number});
    }
    const SignedFile file = SignedText(std::string(LastComponent(source_.name)), *source_.text);
    auto check = scheme.check(signature.text, file, keys);
    if (!check) {
      Fail(signature, std::move(check).error());
      return {};
    }
    if (check->state == SignatureCheck::State::kBad) {
      return Untrusted(signature.name, std::move(check->reason));
    }
    if (check->state == SignatureCheck::State::kUnknownKey) {
      NoteStranger(signature, "the key " + EscapeForPeople(check->key));
      return {};
    }
    const TrustedSigner& signer = signers_.at(*ParseDecimal(check->signer));
    return Endorse(signature, {.signer = signer.key.name,
                               .scheme = std::string(scheme.title),
                               .origin = signer.origin,
                               .comment = std::move(check->comment),
                               .for_this_run = signer.origin.empty()});
  }

  Result<void> CheckJson(const SignatureText& signature) {
    BundleCheck check = HM_TRY(CheckBundle(signature, source_, rules_, signers_));
    if (check.good) {
      std::ranges::move(check.findings, std::back_inserter(source_.findings));
      return Endorse(signature, *std::move(check.good));
    }
    if (check.first && !failed_) failed_ = *std::move(check.first);
    NoteStranger(signature, "somebody");
    return {};
  }

  static void Join(std::string_view name, std::string& names) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }

  const SignatureRules& rules_;
  std::vector<TrustedSigner> signers_;
  Source& source_;
  std::string strangers_;
  std::string why_not_;          // a signature of another kind than is needed
  std::optional<Error> failed_;  // the first signature that could not be used
};

}  // namespace

Result<void> EndorseAll(const SignatureRules& rules, std::vector<Source>& sources) {
  if (rules.files.size() > sources.size()) {
    return Error{
        Errc::kUsage, "verify",
        fmt::format("got {} signatures for {} sources", rules.files.size(), sources.size())};
  }
  const std::vector<TrustedSigner> signers = HM_TRY(FindTrustedSigners(rules));
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (!sources[s].text) {
      if (!rules.required) continue;
      return Untrusted(sources[s].name, "it is no list that could be signed");
    }
    const fs::path named = s < rules.files.size() ? rules.files[s] : fs::path();
    HM_TRY(Endorser(rules, signers, sources[s]).Run(named));
  }
  return {};
}

}  // namespace hallmark
