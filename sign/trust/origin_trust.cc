#include "sign/trust/origin_trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "src/base/numbers.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kClockSlack = 24 * 60 * 60;  // seconds that clocks may disagree
constexpr std::size_t kMaxRotations = 256;           // in one walk
constexpr std::size_t kMaxKeptAccepted = 4096;
constexpr std::size_t kMaxKeptEvents = 1000;

Error Untrusted(const std::string& subject, std::string message, std::string hint = {}) {
  return {Errc::kUntrusted, subject, std::move(message), std::nullopt, std::move(hint)};
}

std::string DateOf(std::uint64_t time) {
  // Beyond what the clock of the library can hold, the number says it.
  constexpr std::uint64_t kYear9999 = 253'402'300'799;
  if (time > kYear9999) return fmt::format("second {}", time);
  return UtcText(std::chrono::system_clock::time_point(std::chrono::seconds(time)));
}

bool IsOver(const std::optional<std::uint64_t>& expires, std::uint64_t now) {
  return expires && *expires <= now;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + EscapeForPeople(name);
  }
  return text;
}

}  // namespace

OriginTrust::OriginTrust(std::string origin) { root_.origin = std::move(origin); }

bool OriginTrust::IsRevoked(const PublicKey& key) const {
  const Digest fingerprint = key.Fingerprint();
  return std::ranges::any_of(
      revoked_, [&](const RevokedKey& revoked) { return revoked.fingerprint == fingerprint; });
}

std::vector<NamedKey> OriginTrust::Keys() const { return WithoutRevoked(root_).keys; }

void OriginTrust::Note(std::uint64_t now, std::string what, std::string detail) {
  clock_ = Later(now);
  if (!events_.empty() && events_.back().what == what && events_.back().detail == detail) {
    events_.back().time = clock_;
    return;
  }
  if (events_.size() >= kMaxKeptEvents) events_.erase(events_.begin());
  events_.push_back({clock_, std::move(what), std::move(detail)});
}

TrustRoot OriginTrust::WithoutRevoked(TrustRoot root) const {
  std::erase_if(root.keys, [&](const NamedKey& key) { return IsRevoked(key.key); });
  return root;
}

Result<void> OriginTrust::AddKey(NamedKey key, std::uint64_t now) {
  if (root_.version > 0) {
    return Error{Errc::kUsage, Origin(), "a root says whose keys count here", std::nullopt,
                 "the publisher names further keys in the next root: hallmark trust rotate"};
  }
  if (IsRevoked(key.key)) {
    return Untrusted(Origin(), fmt::format("the key {} was revoked", EscapeForPeople(key.name)));
  }
  for (const NamedKey& known : root_.keys) {
    if (known.key == key.key) return {};
    if (known.name == key.name) {
      return Error{Errc::kUsage, Origin(),
                   fmt::format("another key is called {} already", EscapeForPeople(key.name)),
                   std::nullopt, "give it another name with --name"};
    }
  }
  Note(now, "added",
       fmt::format("key {}, sha256 {}", EscapeForPeople(key.name), key.key.Fingerprint().Hex()));
  root_.keys.push_back(std::move(key));
  return {};
}

void OriginTrust::PutInForce(const SignedRoot& root, std::string_view how, std::uint64_t now) {
  root_ = root.root;
  root_digest_ = root.sha256;
  root_json_ = root.json;
  root_signature_ = root.signature;
  Note(now, std::string(how), fmt::format("root {}, sha256 {}", root_.version, root.sha256.Hex()));
}

Result<void> OriginTrust::SetRoot(const SignedRoot& root, std::string_view how, std::uint64_t now) {
  if (root_.version > 0) {
    if (root_digest_ == root.sha256) return {};
    return Error{
        Errc::kUsage, Origin(), fmt::format("root {} is in force already", root_.version),
        std::nullopt,
        "hallmark trust rotate goes on to the next one, hallmark trust forget starts anew"};
  }
  if (root.root.origin != Origin()) {
    return Untrusted(Origin(), fmt::format("a root of {}", root.root.origin));
  }
  if (how == "first-use" && !root_.keys.empty()) {
    return Error{Errc::kUsage, Origin(), "keys are trusted here already", std::nullopt,
                 "a root that is believed unseen does not replace them: say its --digest"};
  }
  if (IsOver(root.root.expires, Later(now))) {
    return Untrusted(Origin(), fmt::format("the root expired {}", DateOf(*root.root.expires)));
  }
  HM_TRY(CheckOwnKeys(WithoutRevoked(root.root), root, Origin()));
  PutInForce(root, how, now);
  return {};
}

Result<void> OriginTrust::Rotate(const std::vector<SignedRoot>& next, std::uint64_t now) {
  if (root_.version == 0) {
    return Error{Errc::kUsage, Origin(), "no root is in force", std::nullopt,
                 "hallmark trust pin takes the first one"};
  }
  if (next.size() > kMaxRotations) {
    return Error{Errc::kUsage, Origin(),
                 fmt::format("got {} roots, limit {}", next.size(), kMaxRotations)};
  }
  const TrustRoot* last = &root_;
  for (const SignedRoot& root : next) {
    HM_TRY(CheckRotation(WithoutRevoked(*last), root, Origin()));
    HM_TRY(CheckOwnKeys(WithoutRevoked(root.root), root, Origin()));
    last = &root.root;
  }
  if (IsOver(last->expires, Later(now))) {
    return Untrusted(Origin(),
                     fmt::format("root {} expired {}", last->version, DateOf(*last->expires)));
  }
  for (const SignedRoot& root : next) PutInForce(root, "rotated", now);
  return {};
}

Result<void> OriginTrust::Revoke(std::string_view key, std::string reason, std::uint64_t now) {
  for (const NamedKey& known : root_.keys) {
    const Digest fingerprint = known.key.Fingerprint();
    if (known.name != key && fingerprint.Hex() != key && fingerprint.ToString() != key) continue;
    if (IsRevoked(known.key)) return {};
    Note(now, "revoked",
         fmt::format("key {}{}{}", EscapeForPeople(known.name), reason.empty() ? "" : ": ",
                     reason.empty() ? "" : EscapeForPeople(reason)));
    revoked_.push_back({fingerprint, known.name, std::move(reason), clock_});
    return {};
  }
  return Error{Errc::kNotFound, Origin(),
               fmt::format("no key {} is trusted here", EscapeForPeople(key)), std::nullopt,
               "hallmark trust list shows names and fingerprints"};
}

const AcceptedStatement* OriginTrust::FindAccepted(const StatementText& statement) const {
  const auto found = std::ranges::find_if(accepted_, [&](const AcceptedStatement& accepted) {
    return accepted.kind == statement.kind && accepted.sha256 == statement.sha256 &&
           accepted.version == statement.version;
  });
  return found == accepted_.end() ? nullptr : &*found;
}

// Versions only go up, and one version is one statement. The count starts anew with each root: a
// thief's version of 2^60 ends with the key that signed it. Statements without a version have no
// order among themselves.
Result<void> OriginTrust::CheckOrder(const StatementText& statement,
                                     const std::optional<Digest>& previous, const TrustRules& rules,
                                     const std::string& subject, Acceptance& acceptance) const {
  const AcceptedStatement* newest = nullptr;
  for (const AcceptedStatement& accepted : accepted_) {
    if (accepted.kind != statement.kind || accepted.root_version != root_.version) continue;
    if (statement.version != 0 && accepted.version == statement.version &&
        accepted.sha256 != statement.sha256) {
      return Untrusted(
          subject,
          fmt::format("two statements of version {} of {}, both well signed: {} was seen {}, this "
                      "one is {}",
                      statement.version, Origin(), accepted.sha256.ToString(),
                      DateOf(accepted.first_seen), statement.sha256.ToString()),
          "keep both and ask the publisher: someone signs different things for different people");
    }
    if (newest == nullptr || accepted.version > newest->version) newest = &accepted;
  }
  if (newest == nullptr) return {};
  if (statement.version < newest->version) {
    const std::string older =
        fmt::format("version {} of {} is older than version {}, seen {}", statement.version,
                    Origin(), newest->version, DateOf(newest->first_seen));
    if (rules.at_rest && FindAccepted(statement) != nullptr) {
      acceptance.findings.push_back({Severity::kNote, "superseded-statement", subject, older});
    } else if (!rules.allow_rollback.empty()) {
      acceptance.rollback_reason = rules.allow_rollback;
      acceptance.findings.push_back({Severity::kWarning, "rollback-allowed", subject, older});
    } else {
      return Untrusted(subject, older,
                       "--allow-rollback REASON lets it through and keeps the reason; --at-rest "
                       "checks what was accepted before");
    }
  } else if (previous && statement.version == newest->version + 1 && *previous != newest->sha256) {
    return Untrusted(subject, fmt::format("version {} of {} follows {}, but version {} that was "
                                          "seen here is {}",
                                          statement.version, Origin(), previous->ToString(),
                                          newest->version, newest->sha256.ToString()));
  }
  return {};
}

Result<Acceptance> OriginTrust::Judge(const SignedStatement& signed_statement,
                                      const StatementContext& context, const TrustRules& rules,
                                      std::uint64_t now, const std::string& subject) const {
  const StatementText& statement = signed_statement.statement;
  if (statement.origin != Origin()) {
    return Untrusted(
        subject, fmt::format("a statement of {}, not of {}",
                             statement.origin.empty() ? "no origin" : statement.origin, Origin()));
  }
  Acceptance acceptance{.threshold = root_.threshold,
                        .statement = {statement.kind, statement.version, statement.sha256,
                                      root_.version, Later(now)}};
  std::vector<std::string> revoked;
  for (const NamedKey* signer : HM_TRY(FindSigners(signed_statement.note, root_.keys, subject))) {
    (IsRevoked(signer->key) ? revoked : acceptance.signers).push_back(signer->name);
  }
  const bool known = FindAccepted(statement) != nullptr;
  if (acceptance.signers.size() < root_.threshold && rules.at_rest && known && revoked.empty()) {
    acceptance.findings.push_back({Severity::kNote, "superseded-statement", subject,
                                   "it was accepted before, by keys of an earlier root"});
    acceptance.signers.push_back("keys of an earlier root");
  } else if (acceptance.signers.size() < root_.threshold) {
    std::string message = fmt::format("signed by {} of the keys trusted for {}, {} needed",
                                      acceptance.signers.size(), Origin(), root_.threshold);
    if (!acceptance.signers.empty()) message += ": " + Joined(acceptance.signers);
    if (!revoked.empty()) message += "; revoked: " + Joined(revoked);
    return Untrusted(subject, std::move(message));
  }
  const std::uint64_t latest = Later(now) + kClockSlack;
  std::set<std::string> witnesses =
      HM_TRY(FindWitnesses(signed_statement.note, root_, latest, subject));
  if (context.proof) {
    witnesses.merge(
        HM_TRY(CheckTlogProof(*context.proof, signed_statement.note.text, root_, latest, subject)));
  }
  acceptance.witnesses = witnesses.size();
  if (acceptance.witnesses < root_.witness_threshold) {
    return Untrusted(subject,
                     fmt::format("cosigned by {} of {} witnesses, {} needed", acceptance.witnesses,
                                 root_.witnesses.size(), root_.witness_threshold));
  }
  if (now + kClockSlack < clock_) {
    acceptance.findings.push_back(
        {Severity::kWarning, "clock-went-back", subject,
         fmt::format("it was {} before, now the clock says {}: the later one counts",
                     DateOf(clock_), DateOf(now))});
  }
  if (statement.issued && *statement.issued > latest) {
    return Untrusted(subject, fmt::format("issued in the future, {}", DateOf(*statement.issued)));
  }
  const auto check_age = [&](std::string_view what,
                             const std::optional<std::uint64_t>& expires) -> Result<void> {
    if (!IsOver(expires, Later(now))) return {};
    std::string message = fmt::format("{} expired {}", what, DateOf(*expires));
    if (rules.at_rest && known) {
      acceptance.findings.push_back(
          {Severity::kNote, "expired-statement", subject, std::move(message)});
      return {};
    }
    return Untrusted(subject, std::move(message),
                     known ? "--at-rest checks what was accepted before it expired"
                           : "get the newest one from the publisher");
  };
  HM_TRY(check_age("the root that trusts its keys", root_.expires));
  HM_TRY(check_age("the statement", statement.expires));
  HM_TRY(CheckOrder(statement, context.previous, rules, subject, acceptance));
  return acceptance;
}

void OriginTrust::Record(const Acceptance& acceptance, std::uint64_t now) {
  clock_ = Later(now);
  if (!acceptance.rollback_reason.empty()) {
    Note(now, "rollback-allowed",
         fmt::format("version {}: {}", acceptance.statement.version,
                     EscapeForPeople(acceptance.rollback_reason)));
  }
  const AcceptedStatement& statement = acceptance.statement;
  const bool known = std::ranges::any_of(accepted_, [&](const AcceptedStatement& accepted) {
    return accepted.kind == statement.kind && accepted.version == statement.version &&
           accepted.sha256 == statement.sha256 && accepted.root_version == statement.root_version;
  });
  if (known) return;
  accepted_.push_back(statement);
  if (accepted_.size() > kMaxKeptAccepted) ForgetOldest();
  Note(now, "accepted",
       fmt::format("{} version {}, {}, signed by {}", statement.kind, statement.version,
                   statement.sha256.ToString(), Joined(acceptance.signers)));
}

// The newest of each kind, against which others are held, is kept.
void OriginTrust::ForgetOldest() {
  const auto is_newest = [&](const AcceptedStatement& one) {
    return std::ranges::none_of(accepted_, [&](const AcceptedStatement& other) {
      return other.kind == one.kind && other.root_version == one.root_version &&
             other.version > one.version;
    });
  };
  const auto oldest = std::ranges::find_if(accepted_, [&](const AcceptedStatement& one) {
    return one.root_version != root_.version || !is_newest(one) || one.version == 0;
  });
  accepted_.erase(oldest == accepted_.end() ? accepted_.begin() : oldest);
}

void OriginTrust::RecordEvent(std::string what, std::string detail, std::uint64_t now) {
  Note(now, std::move(what), std::move(detail));
}

}  // namespace hallmark
