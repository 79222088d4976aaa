// Signed notes (C2SP signed-note, tlog-cosignature): a text of lines, a blank line, and one line
// for each signature. Logs sign their checkpoints so, and hallmark its statements.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sign/keys/named_key.h"
#include "sign/keys/signer.h"

namespace hallmark {

using NoteKeyId = std::array<std::byte, 4>;

// The kinds of signature that are known here; lines of other kinds are left alone.
enum class NoteKind : std::uint8_t {
  kEd25519 = 0x01,      // over the text
  kCosignature = 0x04,  // Ed25519 of a witness, over the time and the text
};

struct NoteSignature {
  std::string name;
  NoteKeyId key_id;
  std::string signature;  // without the key id
};

struct SignedNote {
  std::string text;  // with its final newline
  std::vector<NoteSignature> signatures;
};

// At most 64 kB and 64 signatures. Errors: kMalformed.
Result<SignedNote> ParseSignedNote(std::string_view note, std::string subject);
std::string WriteSignedNote(const SignedNote& note);

// "name+hash+base64" of a key that signs notes itself or as a witness. A name has no white space
// and no "+". Errors: kMalformed; kUnsupported (another kind of key).
struct VerifierKey {
  NamedKey key;
  NoteKind kind;
};
Result<VerifierKey> ParseNoteKey(std::string_view text, const std::string& subject);
// The same where only keys of kEd25519 are wanted.
Result<NamedKey> ParseVerifierKey(std::string_view text, const std::string& subject);
std::string WriteNoteKey(std::string_view name, const PublicKey& key, NoteKind kind);
bool IsNoteName(std::string_view name);
// The first bytes of a digest over name, kind and key (of Ed25519), which signature lines carry.
NoteKeyId NoteKeyIdOf(std::string_view name, const PublicKey& key, NoteKind kind);

// Over note.text. `signer` is of Ed25519; kUsage otherwise.
Result<NoteSignature> SignNote(const SignedNote& note, const std::string& name,
                               const Signer& signer);

// What a line is to a key: made by it or not, as its id says, and does it hold.
enum class LineCheck : std::uint8_t { kGood, kOtherKey, kBad };
// Whatever name the line gives the key.
LineCheck CheckNoteLine(const SignedNote& note, const NoteSignature& line, const PublicKey& key);

struct Cosignature {
  LineCheck check;
  std::uint64_t time = 0;  // unix seconds, when the witness saw it; of kGood
};
Cosignature CheckCosignature(const SignedNote& note, const NoteSignature& line,
                             const VerifierKey& witness);

}  // namespace hallmark
