#include "sign/sigstore/log_entry.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "sign/sigstore/checkpoint.h"
#include "sign/sigstore/merkle.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

Error Malformed(std::string message) { return {Errc::kMalformed, "", std::move(message)}; }
Error Untrusted(std::string message) { return {Errc::kUntrusted, "", std::move(message)}; }

// A log may stand there twice, for two periods.
Result<const TransparencyLog*> FindLog(const LogEntry& entry, const TrustedRoot& root) {
  const TransparencyLog* found = nullptr;
  for (const TransparencyLog& log : root.logs) {
    if (log.id != entry.log_id) continue;
    if (found == nullptr || (entry.integrated_time != 0 &&
                             log.valid.Has(static_cast<std::int64_t>(entry.integrated_time)))) {
      found = &log;
    }
  }
  if (found == nullptr) {
    return Untrusted(fmt::format("it is of a log that the trusted root does not have, {}",
                                 ToHex(AsBytes(entry.log_id))));
  }
  if (!found->public_key) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("the key of the log {} is of a kind that is not known here",
                             EscapeForPeople(found->name))};
  }
  return found;
}

Result<void> CheckProof(const LogEntry& entry, const TransparencyLog& log, bool needs_checkpoint) {
  const InclusionProof& proof = *entry.proof;
  if (!IsIncluded(entry.body, proof.log_index, proof.tree_size, proof.hashes, proof.root_hash)) {
    return Untrusted("its inclusion proof does not lead to the log's root hash");
  }
  if (proof.checkpoint.empty()) {
    if (needs_checkpoint) return Malformed("its inclusion proof has no checkpoint");
    return {};
  }
  const Checkpoint checkpoint = HM_TRY(VerifyCheckpoint(proof.checkpoint, log));
  if (checkpoint.root_hash != proof.root_hash || checkpoint.size != proof.tree_size) {
    return Untrusted("the checkpoint is of another tree than its inclusion proof");
  }
  return {};
}

// RFC 8785 of the four members, which are in order.
std::string PromisedText(const LogEntry& entry) {
  JsonWriter json(JsonWriter::Form::kCompact);
  json.BeginObject();
  json.Member("body", ToBase64(entry.body));
  json.Member("integratedTime", entry.integrated_time);
  json.Member("logID", ToHex(AsBytes(entry.log_id)));
  json.Member("logIndex", entry.log_index);
  json.EndObject();
  return json.Take();
}

Result<std::int64_t> CheckPromise(const LogEntry& entry, const TransparencyLog& log,
                                  std::int64_t now) {
  if (!IsRekor1(entry)) {
    return Malformed("its log entry is of a kind that has no promise of inclusion, and has one");
  }
  if (entry.integrated_time == 0) return Malformed("its log entry has a promise without a time");
  const std::string text = PromisedText(entry);
  if (!log.public_key->Verify(AsBytes(text), AsBytes(entry.promise))) {
    return Untrusted("the promise of its log entry is not signed by the log");
  }
  const auto time = static_cast<std::int64_t>(entry.integrated_time);
  if (time > now) {
    return Untrusted(fmt::format("it was logged in the future, at {}", UnixTimeText(time)));
  }
  return time;
}

}  // namespace

bool IsRekor1(const LogEntry& entry) {
  return (entry.kind == "hashedrekord" && entry.version == "0.0.1") ||
         (entry.kind == "dsse" && entry.version == "0.0.1") ||
         (entry.kind == "intoto" && entry.version == "0.0.2");
}

Result<VerifiedLogEntry> VerifyLogEntry(const LogEntry& entry, int bundle_minor_version,
                                        const TrustedRoot& root, std::int64_t now) {
  // Of version 0.1 a promise is enough, and a proof without a checkpoint says nothing.
  const bool needs_proof = bundle_minor_version > 1;
  if (needs_proof && !entry.proof) return Malformed("its log entry has no inclusion proof");
  if (!needs_proof && entry.promise.empty()) {
    return Malformed("its log entry has no promise of inclusion");
  }
  VerifiedLogEntry verified;
  verified.log = HM_TRY(FindLog(entry, root));
  if (entry.proof) HM_TRY(CheckProof(entry, *verified.log, needs_proof));
  if (!entry.promise.empty()) verified.time = HM_TRY(CheckPromise(entry, *verified.log, now));
  return verified;
}

}  // namespace hallmark
