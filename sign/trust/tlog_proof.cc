#include "sign/trust/tlog_proof.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "sign/sigstore/checkpoint.h"
#include "sign/sigstore/merkle.h"
#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxHashes = 64;  // a tree is no higher

Error Malformed(const std::string& subject, std::string_view what) {
  return {Errc::kMalformed, subject, fmt::format("a proof of a log: {}", what)};
}

// The line without its end; nullopt: there is none.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t newline = text.find('\n');
  if (newline == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, newline);
  text.remove_prefix(newline + 1);
  return line;
}

TransparencyLog LogOf(const VerifierKey& key) {
  const NoteKeyId id = NoteKeyIdOf(key.key.name, key.key.key, NoteKind::kEd25519);
  return {
      .name = key.key.name, .checkpoint_id = std::string(AsText(id)), .public_key = key.key.key};
}

}  // namespace

Result<TlogProof> ParseTlogProof(std::string_view text, const std::string& subject) {
  const auto header = TakeLine(text);
  if (!header || *header != kHeader) {
    if (header && header->starts_with("c2sp.org/tlog-proof@")) {
      return Error{Errc::kUnsupported, subject,
                   fmt::format("a proof of a log of version {}, known "
                               "is {}",
                               EscapeForPeople(*header), kHeader)};
    }
    return Malformed(subject, "it does not begin as one");
  }
  auto line = TakeLine(text);
  if (line && line->starts_with(kExtra)) {
    if (!FromBase64(line->substr(kExtra.size()))) return Malformed(subject, "extra is not base64");
    line = TakeLine(text);
  }
  if (!line || !line->starts_with(kIndex)) return Malformed(subject, "no index");
  const std::string_view digits = line->substr(kIndex.size());
  const auto index = ParseDecimal(digits);
  if (!index || std::to_string(*index) != digits) return Malformed(subject, "index is no number");
  TlogProof proof{*index, {}, {}};
  for (line = TakeLine(text); line && !line->empty(); line = TakeLine(text)) {
    auto hash = FromBase64(*line);
    if (!hash || hash->size() != kHashBytes) return Malformed(subject, "a hash is not 32 bytes");
    proof.hashes.push_back(*std::move(hash));
    if (proof.hashes.size() > kMaxHashes) return Malformed(subject, "too many hashes");
  }
  if (!line || text.empty()) return Malformed(subject, "no checkpoint");
  proof.checkpoint = text;
  return proof;
}

Result<std::set<std::string>> CheckTlogProof(const TlogProof& proof, std::string_view entry,
                                             const TrustRoot& root, std::uint64_t latest,
                                             const std::string& subject) {
  std::optional<Error> first;
  for (const VerifierKey& key : root.logs) {
    auto checkpoint = VerifyCheckpoint(proof.checkpoint, LogOf(key));
    if (!checkpoint) {
      if (!first) first = std::move(checkpoint).error();
      continue;
    }
    if (!IsIncluded(entry, proof.index, checkpoint->size, proof.hashes, checkpoint->root_hash)) {
      return Error{Errc::kUntrusted, subject,
                   fmt::format("the statement is not where the proof says in the log {}",
                               EscapeForPeople(key.key.name))};
    }
    const SignedNote note = HM_TRY(ParseSignedNote(proof.checkpoint, subject));
    return FindWitnesses(note, root, latest, subject);
  }
  Error error = first ? *std::move(first) : Error{Errc::kUntrusted, "", "the root names no log"};
  error.subject = subject;
  return error;
}

}  // namespace hallmark
