#include "sign/sigstore/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sign/notes/note.h"
#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kHashBytes = 32;

Error Malformed(std::string_view what) {
  return {Errc::kMalformed, "", fmt::format("the log's checkpoint has {}", what)};
}
Error Untrusted(std::string message) { return {Errc::kUntrusted, "", std::move(message)}; }

std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

Result<Checkpoint> ParseBody(std::string_view text) {
  Checkpoint checkpoint;
  checkpoint.origin = TakeLine(text);
  const std::string_view digits = TakeLine(text);
  const auto size = ParseDecimal(digits);
  const auto hash = FromBase64(TakeLine(text));
  if (checkpoint.origin.empty()) return Malformed("no origin");
  if (!size || (digits.size() > 1 && digits[0] == '0')) return Malformed("no size of the log");
  if (!hash || hash->size() != kHashBytes) return Malformed("no root hash");
  checkpoint.size = *size;
  checkpoint.root_hash = *hash;
  return checkpoint;
}

// Rekor 1 signs as its host and puts a number of the tree behind it in the origin; Rekor 2, whose
// keys are Ed25519, has one name for both, the log's.
bool IsNameOf(const TransparencyLog& log, std::string_view name, std::string_view origin) {
  if (log.public_key->Type() == KeyType::kEd25519) return name == log.name && origin == name;
  return origin == name || origin.starts_with(std::string(name) + " - ");
}

}  // namespace

Result<Checkpoint> VerifyCheckpoint(std::string_view note, const TransparencyLog& log) {
  if (!log.public_key) {
    return Untrusted(fmt::format("the key of the log {} is of a kind that is not known here",
                                 EscapeForPeople(log.name)));
  }
  if (note.ends_with("\n\n")) return Malformed("no signature");
  const SignedNote parsed = HM_TRY(ParseSignedNote(note, "the log's checkpoint"));
  Checkpoint checkpoint = HM_TRY(ParseBody(parsed.text));
  bool of_log = false;
  for (const NoteSignature& line : parsed.signatures) {
    if (!log.checkpoint_id.starts_with(AsText(line.key_id)) ||
        !IsNameOf(log, line.name, checkpoint.origin)) {
      continue;
    }
    of_log = true;
    if (log.public_key->Verify(AsBytes(parsed.text), AsBytes(line.signature))) return checkpoint;
  }
  const std::string name = EscapeForPeople(log.name);
  if (!of_log) return Untrusted("the checkpoint has no signature of the log " + name);
  return Untrusted(
      fmt::format("the signature of the log {} on its checkpoint does not hold", name));
}

}  // namespace hallmark
