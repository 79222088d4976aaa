#include "sign/trust/trust_root.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_fields.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSchema = "hallmark.root/1";
constexpr std::size_t kMaxKeys = 64;

Error Untrusted(const std::string& subject, std::string message) {
  return {Errc::kUntrusted, subject, std::move(message)};
}

// `text` of the member `key`, which is a count of some of `all`.
Result<std::uint64_t> ReadThreshold(const JsonFields& fields, const JsonValue& object,
                                    std::string_view key, std::uint64_t lowest, std::uint64_t all) {
  const std::uint64_t threshold = HM_TRY(fields.Number(object, key));
  if (threshold < lowest || threshold > all) {
    return fields.Malformed(key, fmt::format("from {} to {}, the number of keys", lowest, all));
  }
  return threshold;
}

Result<std::vector<VerifierKey>> ReadKeys(const JsonFields& fields, const JsonValue& object,
                                          std::string_view member, NoteKind kind,
                                          const std::string& subject) {
  std::vector<VerifierKey> keys;
  std::set<std::string> seen;
  for (const std::string& text : HM_TRY(fields.Texts(object, member))) {
    VerifierKey key = HM_TRY(ParseNoteKey(text, subject));
    if (key.kind != kind) return fields.Malformed(member, "a list of keys of the right kind");
    const bool fresh = seen.insert(key.key.name).second;
    if (!fresh || !seen.insert(key.key.key.Spki()).second) {
      return fields.Malformed(member, "a list of different keys of different names");
    }
    keys.push_back(std::move(key));
    if (keys.size() > kMaxKeys) {
      return fields.Malformed(member, fmt::format("a list of at most {} keys", kMaxKeys));
    }
  }
  return keys;
}

std::string Names(const std::vector<const NamedKey*>& keys) {
  std::string names;
  for (const NamedKey* key : keys) {
    names += (names.empty() ? "" : ", ") + EscapeForPeople(key->name);
  }
  return names.empty() ? "none of them" : names;
}

Result<void> CheckThreshold(const TrustRoot& root, const SignedNote& note, std::string_view whose,
                            const std::string& subject) {
  const auto signers = HM_TRY(FindSigners(note, root.keys, subject));
  if (signers.size() >= root.threshold) return {};
  return Untrusted(subject,
                   fmt::format("signed by {} of {} keys of {}, {} needed: {}", signers.size(),
                               root.keys.size(), whose, root.threshold, Names(signers)));
}

}  // namespace

std::string WriteTrustRoot(const TrustRoot& root) {
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject()
      .Member("schema", kSchema)
      .Member("origin", root.origin)
      .Member("version", root.version)
      .Member("threshold", root.threshold);
  json.Key("keys").BeginArray();
  for (const NamedKey& key : root.keys) {
    json.String(WriteNoteKey(key.name, key.key, NoteKind::kEd25519));
  }
  json.EndArray();
  if (root.expires) json.Member("expires", *root.expires);
  if (!root.witnesses.empty()) {
    json.Key("witnesses").BeginArray();
    for (const VerifierKey& witness : root.witnesses) {
      json.String(WriteNoteKey(witness.key.name, witness.key.key, NoteKind::kCosignature));
    }
    json.EndArray().Member("witness_threshold", root.witness_threshold);
  }
  if (!root.logs.empty()) {
    json.Key("logs").BeginArray();
    for (const VerifierKey& log : root.logs) {
      json.String(WriteNoteKey(log.key.name, log.key.key, NoteKind::kEd25519));
    }
    json.EndArray();
  }
  return json.EndObject().Take() + "\n";
}

Result<TrustRoot> ParseTrustRoot(std::string_view json, const std::string& subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(json, subject));
  const JsonFields fields(subject);
  const JsonValue object = document.Root();
  const std::string schema = HM_TRY(fields.Text(object, "schema"));
  if (schema != kSchema) {
    const bool other_version = schema.starts_with("hallmark.root/");
    return Error{other_version ? Errc::kUnsupported : Errc::kMalformed, subject,
                 fmt::format("its schema is {}, not {}", EscapeForPeople(schema), kSchema)};
  }
  TrustRoot root;
  root.origin = HM_TRY(fields.Text(object, "origin"));
  if (!IsOrigin(root.origin)) return fields.Malformed("origin", "an origin, such as org/model");
  root.version = HM_TRY(fields.Number(object, "version"));
  if (root.version == 0 || root.version >= kJsonIntegerLimit) {
    return fields.Malformed("version", "a number from 1 to 2^53 - 1");
  }
  for (VerifierKey& key : HM_TRY(ReadKeys(fields, object, "keys", NoteKind::kEd25519, subject))) {
    root.keys.push_back(std::move(key.key));
  }
  root.threshold = HM_TRY(ReadThreshold(fields, object, "threshold", 1, root.keys.size()));
  if (object.Find("expires")) root.expires = HM_TRY(fields.Number(object, "expires"));
  if (object.Find("witnesses")) {
    root.witnesses = HM_TRY(ReadKeys(fields, object, "witnesses", NoteKind::kCosignature, subject));
    root.witness_threshold =
        HM_TRY(ReadThreshold(fields, object, "witness_threshold", 0, root.witnesses.size()));
  }
  if (object.Find("logs")) {
    root.logs = HM_TRY(ReadKeys(fields, object, "logs", NoteKind::kEd25519, subject));
  }
  return root;
}

Result<std::vector<const NamedKey*>> FindSigners(const SignedNote& note,
                                                 const std::vector<NamedKey>& keys,
                                                 const std::string& subject) {
  std::vector<const NamedKey*> signers;
  for (const NamedKey& key : keys) {
    bool signed_by = false;
    for (const NoteSignature& line : note.signatures) {
      const LineCheck check = CheckNoteLine(note, line, key.key);
      if (check == LineCheck::kBad) {
        return Untrusted(subject, fmt::format("the signature of {} does not hold: the text that "
                                              "is here is not what was signed",
                                              EscapeForPeople(key.name)));
      }
      signed_by |= check == LineCheck::kGood;
    }
    if (signed_by) signers.push_back(&key);
  }
  return signers;
}

Result<std::set<std::string>> FindWitnesses(const SignedNote& note, const TrustRoot& root,
                                            std::uint64_t latest, const std::string& subject) {
  std::set<std::string> witnesses;
  for (const VerifierKey& witness : root.witnesses) {
    for (const NoteSignature& line : note.signatures) {
      const Cosignature cosignature = CheckCosignature(note, line, witness);
      if (cosignature.check == LineCheck::kOtherKey) continue;
      const std::string name = EscapeForPeople(witness.key.name);
      if (cosignature.check == LineCheck::kBad) {
        return Untrusted(subject, fmt::format("the cosignature of witness {} does not hold", name));
      }
      if (cosignature.time > latest) {
        return Untrusted(
            subject, fmt::format("witness {} saw it in the future, at {}", name, cosignature.time));
      }
      witnesses.insert(witness.key.name);
    }
  }
  return witnesses;
}

Result<SignedRoot> ReadSignedRoot(std::string json, std::string signature,
                                  const std::string& subject) {
  TrustRoot root = HM_TRY(ParseTrustRoot(json, subject));
  const SignedStatement signed_root = HM_TRY(ParseSignedStatement(signature, subject));
  const StatementText& statement = signed_root.statement;
  const Digest sha256 = HashBytes(Algorithm::kSha256, AsBytes(json));
  if (statement.kind != "root" || statement.sha256 != sha256 || statement.origin != root.origin ||
      statement.version != root.version || statement.expires != root.expires) {
    return Untrusted(subject,
                     "its signature is over something else: kind, digest, origin, version "
                     "or expiry differ");
  }
  HM_TRY(CheckThreshold(root, signed_root.note, "its own", subject));
  return SignedRoot{std::move(root), sha256, std::move(json), std::move(signature)};
}

Result<void> CheckRotation(const TrustRoot& root, const SignedRoot& next,
                           const std::string& subject) {
  if (next.root.origin != root.origin) {
    return Untrusted(subject,
                     fmt::format("a root of {}, not of {}", next.root.origin, root.origin));
  }
  if (next.root.version != root.version + 1) {
    return Untrusted(subject, fmt::format("a root of version {}, version {} comes next",
                                          next.root.version, root.version + 1));
  }
  const SignedNote note = HM_TRY(ParseSignedNote(next.signature, subject));
  return CheckThreshold(root, note, "the root before", subject);
}

Result<void> CheckOwnKeys(const TrustRoot& keys, const SignedRoot& signed_root,
                          const std::string& subject) {
  const SignedNote note = HM_TRY(ParseSignedNote(signed_root.signature, subject));
  return CheckThreshold(keys, note, "its own", subject);
}

}  // namespace hallmark
