// What this user trusts of one origin, and what was accepted of it before: what stops old, frozen,
// forked and forged statements. Pure: time is given, TrustStore keeps it on disk. docs/trust.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sign/trust/tlog_proof.h"
#include "sign/trust/trust_root.h"
#include "src/base/finding.h"

namespace hallmark {

// A statement that was accepted once.
struct AcceptedStatement {
  std::string kind;
  std::uint64_t version = 0;
  Digest sha256;
  std::uint64_t root_version = 0;  // of the root in force then
  std::uint64_t first_seen = 0;    // unix seconds
};

// Something that was done or noticed; never removed but by `trust forget`.
struct TrustEvent {
  std::uint64_t time = 0;
  std::string what;    // stable slug: "added", "pinned", "rotated", "revoked", "rollback-allowed"
  std::string detail;  // for people
};

struct RevokedKey {
  Digest fingerprint;
  std::string name;
  std::string reason;  // as the user said it; may be empty
  std::uint64_t time = 0;
};

// The outcome of looking at a signed statement, all in order.
struct Acceptance {
  std::vector<std::string> signers;  // names of the keys
  std::uint64_t threshold = 1;
  std::uint64_t witnesses = 0;
  AcceptedStatement statement;
  std::string rollback_reason = {};    // not empty: older than one before, and let through
  std::vector<Finding> findings = {};  // expired but known, a clock that went back
};

struct TrustRules {
  // What was accepted before passes though it is expired or there are newer ones: for those who
  // check a copy that they have, not whether it is the newest.
  bool at_rest = false;
  std::string allow_rollback = {};  // why an older version is let through; empty: it is not
};

// What comes with a signed statement.
struct StatementContext {
  std::optional<Digest> previous = {};  // of the statement before it, where it says that
  std::optional<TlogProof> proof = {};  // that its signed text stands in a log
};

class OriginTrust {
 public:
  explicit OriginTrust(std::string origin);

  const std::string& Origin() const { return root_.origin; }
  const TrustRoot& Root() const { return root_; }  // in force; version 0 without a root file
  const std::optional<Digest>& RootDigest() const { return root_digest_; }
  const std::vector<RevokedKey>& Revoked() const { return revoked_; }
  const std::vector<AcceptedStatement>& Accepted() const { return accepted_; }
  const std::vector<TrustEvent>& Events() const { return events_; }

  // A single key, where no root is in force. Adding one that is there changes nothing. Errors:
  // kUsage (a root is in force, another key has that name); kUntrusted (the key was revoked).
  Result<void> AddKey(NamedKey key, std::uint64_t now);
  // The first root. `how`: "pinned" by its digest, or "first-use" without. The keys added before
  // give way to it. Errors: kUsage (one is in force already); kUntrusted (expired).
  Result<void> SetRoot(const SignedRoot& root, std::string_view how, std::uint64_t now);
  // Walks from the root in force to the last of `next`, each the next one's predecessor. Expiry is
  // asked of the last one only. All or none. Errors: kUntrusted; kUsage (no root is in force).
  Result<void> Rotate(const std::vector<SignedRoot>& next, std::uint64_t now);
  // A key that is no longer believed, whatever a root says. Errors: kNotFound.
  Result<void> Revoke(std::string_view key, std::string reason, std::uint64_t now);

  // Whether `statement` is to be believed now; changes nothing. Errors: kUntrusted, each with its
  // reason.
  Result<Acceptance> Judge(const SignedStatement& statement, const StatementContext& context,
                           const TrustRules& rules, std::uint64_t now,
                           const std::string& subject) const;
  // Remembers what Judge accepted.
  void Record(const Acceptance& acceptance, std::uint64_t now);
  // Remembers something that was noticed and refused: two statements of one version.
  void RecordEvent(std::string what, std::string detail, std::uint64_t now);

  // Keys in force: of the root, without those revoked.
  std::vector<NamedKey> Keys() const;

  // "schema":"hallmark.trust/1"; for this program alone. Errors of Parse: kMalformed, kUnsupported.
  std::string Write() const;
  static Result<OriginTrust> Parse(std::string_view json, const std::string& subject);

 private:
  bool IsRevoked(const PublicKey& key) const;
  std::uint64_t Later(std::uint64_t now) const { return std::max(now, clock_); }
  void Note(std::uint64_t now, std::string what, std::string detail);
  void PutInForce(const SignedRoot& root, std::string_view how, std::uint64_t now);
  TrustRoot WithoutRevoked(TrustRoot root) const;
  void ForgetOldest();
  const AcceptedStatement* FindAccepted(const StatementText& statement) const;
  Result<void> CheckOrder(const StatementText& statement, const std::optional<Digest>& previous,
                          const TrustRules& rules, const std::string& subject,
                          Acceptance& acceptance) const;

  TrustRoot root_;
  std::optional<Digest> root_digest_;
  std::string root_json_;
  std::string root_signature_;
  std::vector<RevokedKey> revoked_;
  std::vector<AcceptedStatement> accepted_;
  std::vector<TrustEvent> events_;
  std::uint64_t clock_ = 0;  // the latest time ever seen: time does not go back
};

}  // namespace hallmark
