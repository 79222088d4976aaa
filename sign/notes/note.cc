#include "sign/notes/note.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxBytes = 64 << 10;
constexpr std::size_t kMaxSignatures = 64;
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash and a space
constexpr std::size_t kEd25519Bytes = 64;
constexpr std::size_t kTimeBytes = 8;

Error Malformed(const std::string& subject, std::string message) {
  return {Errc::kMalformed, subject, "a signed note: " + std::move(message)};
}

bool IsNoteText(std::string_view text) {
  return text.ends_with('\n') && IsValidUtf8(text) && std::ranges::none_of(text, [](char c) {
           return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
         });
}

Result<NoteSignature> ParseLine(std::string_view line, const std::string& subject) {
  const std::string_view whole = line;
  const auto wrong = [&] {
    return Malformed(subject,
                     fmt::format("{} is no signature line", EscapeForPeople(whole.substr(0, 200))));
  };
  if (!line.starts_with(kDash)) return wrong();
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return wrong();
  const auto bytes = FromBase64(line.substr(space + 1));
  NoteSignature signature;
  if (!IsNoteName(line.substr(0, space)) || !bytes || bytes->size() <= signature.key_id.size()) {
    return wrong();
  }
  signature.name = line.substr(0, space);
  const ByteSpan raw = AsBytes(*bytes);
  std::ranges::copy(raw.first(signature.key_id.size()), signature.key_id.begin());
  signature.signature = AsText(raw.subspan(signature.key_id.size()));
  return signature;
}

std::string CosignedText(std::uint64_t time, std::string_view text) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time, text);
}

}  // namespace

bool IsNoteName(std::string_view name) {
  return !name.empty() && name.size() <= 256 && IsValidUtf8(name) &&
         std::ranges::none_of(name,
                              [](char c) {
                                return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
                                       c == '+';
                              }) &&
         // White space beyond ASCII and what else nobody sees is escaped, and so is a backslash.
         EscapeForPeople(name) == name;
}

Result<SignedNote> ParseSignedNote(std::string_view note, std::string subject) {
  if (note.size() > kMaxBytes) {
    return Malformed(subject, fmt::format("got {} bytes, limit {}", note.size(), kMaxBytes));
  }
  const std::size_t end = note.rfind("\n\n");
  if (end == std::string_view::npos) return Malformed(subject, "no signature follows its text");
  SignedNote parsed;
  parsed.text = note.substr(0, end + 1);
  if (!IsNoteText(parsed.text)) {
    return Malformed(subject, "its text is not of lines of plain UTF-8");
  }
  std::string_view rest = note.substr(end + 2);
  if (!rest.ends_with('\n')) return Malformed(subject, "no newline at its end");
  while (!rest.empty()) {
    const std::size_t newline = rest.find('\n');
    parsed.signatures.push_back(HM_TRY(ParseLine(rest.substr(0, newline), subject)));
    rest.remove_prefix(newline + 1);
    if (parsed.signatures.size() > kMaxSignatures) {
      return Malformed(subject, fmt::format("more than {} signatures", kMaxSignatures));
    }
  }
  return parsed;
}

std::string WriteSignedNote(const SignedNote& note) {
  std::string text = note.text + "\n";
  for (const NoteSignature& line : note.signatures) {
    text += fmt::format("{}{} {}\n", kDash, line.name,
                        ToBase64(std::string(AsText(line.key_id)) + line.signature));
  }
  return text;
}

NoteKeyId NoteKeyIdOf(std::string_view name, const PublicKey& key, NoteKind kind) {
  std::string text = fmt::format("{}\n{}", name, static_cast<char>(kind));
  text += AsText(key.Ed25519());
  NoteKeyId id;
  std::ranges::copy(HashBytes(Algorithm::kSha256, AsBytes(text)).Bytes().first(id.size()),
                    id.begin());
  return id;
}

std::string WriteNoteKey(std::string_view name, const PublicKey& key, NoteKind kind) {
  std::string bytes(1, static_cast<char>(kind));
  bytes += AsText(key.Ed25519());
  return fmt::format("{}+{}+{}", name, ToHex(NoteKeyIdOf(name, key, kind)), ToBase64(bytes));
}

Result<VerifierKey> ParseNoteKey(std::string_view text, const std::string& subject) {
  const auto wrong = [&](std::string_view what) {
    return Error{Errc::kMalformed, subject, fmt::format("a note's verifier key: {}", what)};
  };
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return wrong("it is not name+hash+key");
  const std::string_view name = text.substr(0, first);
  if (!IsNoteName(name)) return wrong("its name has white space or is empty");
  const auto bytes = FromBase64(text.substr(second + 1));
  if (!bytes || bytes->empty()) return wrong("its key is not base64");
  const auto kind = static_cast<NoteKind>(static_cast<std::uint8_t>(bytes->front()));
  if (kind != NoteKind::kEd25519 && kind != NoteKind::kCosignature) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("a note's verifier key of type {:#04x}; known are 0x01 and 0x04, of "
                             "Ed25519",
                             static_cast<unsigned>(kind))};
  }
  PublicKey key = HM_TRY(PublicKey::FromEd25519(AsBytes(*bytes).subspan(1), subject));
  if (text.substr(first + 1, second - first - 1) != ToHex(NoteKeyIdOf(name, key, kind))) {
    return wrong("its hash is not that of its name and key");
  }
  return VerifierKey{{std::string(name), std::move(key)}, kind};
}

Result<NamedKey> ParseVerifierKey(std::string_view text, const std::string& subject) {
  VerifierKey key = HM_TRY(ParseNoteKey(text, subject));
  if (key.kind != NoteKind::kEd25519) {
    return Error{Errc::kUnsupported, subject, "the key of a witness, which signs no statements"};
  }
  return std::move(key.key);
}

Result<NoteSignature> SignNote(const SignedNote& note, const std::string& name,
                               const Signer& signer) {
  const PublicKey& key = signer.Public();
  if (key.Type() != KeyType::kEd25519) {
    return Error{
        Errc::kUsage, name,
        fmt::format("a statement is signed with ed25519, the key is {}", KeyTypeName(key.Type()))};
  }
  if (!IsNoteName(name)) {
    return Error{Errc::kUsage, name,
                 "the name of a key stands in its signatures and has no white space and no +"};
  }
  NoteSignature line{name, NoteKeyIdOf(name, key, NoteKind::kEd25519), {}};
  line.signature = HM_TRY(signer.Sign(AsBytes(note.text)));
  return line;
}

LineCheck CheckNoteLine(const SignedNote& note, const NoteSignature& line, const PublicKey& key) {
  if (key.Type() != KeyType::kEd25519 ||
      line.key_id != NoteKeyIdOf(line.name, key, NoteKind::kEd25519)) {
    return LineCheck::kOtherKey;
  }
  const bool good = line.signature.size() == kEd25519Bytes &&
                    key.Verify(AsBytes(note.text), AsBytes(line.signature));
  return good ? LineCheck::kGood : LineCheck::kBad;
}

Cosignature CheckCosignature(const SignedNote& note, const NoteSignature& line,
                             const VerifierKey& witness) {
  const PublicKey& key = witness.key.key;
  if (witness.kind != NoteKind::kCosignature || line.name != witness.key.name ||
      line.key_id != NoteKeyIdOf(line.name, key, NoteKind::kCosignature)) {
    return {LineCheck::kOtherKey};
  }
  const ByteSpan bytes = AsBytes(line.signature);
  if (bytes.size() != kTimeBytes + kEd25519Bytes) return {LineCheck::kBad};
  const auto time = LoadBig<std::uint64_t>(bytes.data());
  const bool good = key.Verify(AsBytes(CosignedText(time, note.text)), bytes.subspan(kTimeBytes));
  return good ? Cosignature{LineCheck::kGood, time} : Cosignature{LineCheck::kBad};
}

}  // namespace hallmark
