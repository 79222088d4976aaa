#include "sign/notes/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "tests/support/signing.h"

namespace hallmark {
namespace {

using ::testing::HasSubstr;

// From the specification of signed notes (C2SP signed-note, "Example"), made by Go's
// golang.org/x/mod/sumdb/note.
constexpr std::string_view kGoKey =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kGoNote =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xE2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
    "dngotpRZb6KE6RyyBwJnAM=\n";

TEST(Note, AcceptsWhatGoSigned) {
  const auto key = ParseVerifierKey(kGoKey, "key");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->name, "PeterNeumann");
  const auto note = ParseSignedNote(kGoNote, "note");
  ASSERT_TRUE(note) << note.error().message;
  ASSERT_EQ(note->signatures.size(), 1u);
  EXPECT_EQ(ToHex(note->signatures[0].key_id), "c74f20a3");
  EXPECT_EQ(CheckNoteLine(*note, note->signatures[0], key->key), LineCheck::kGood);
  EXPECT_EQ(WriteSignedNote(*note), kGoNote);
  EXPECT_EQ(WriteNoteKey("PeterNeumann", key->key, NoteKind::kEd25519), kGoKey);
}

TEST(Note, NoChangedByteIsAccepted) {
  const auto key = ParseVerifierKey(kGoKey, "key");
  ASSERT_TRUE(key);
  for (std::size_t i = 0; i < kGoNote.size(); ++i) {
    std::string changed(kGoNote);
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto note = ParseSignedNote(changed, "note");
    if (!note) continue;
    for (const NoteSignature& line : note->signatures) {
      EXPECT_NE(CheckNoteLine(*note, line, key->key), LineCheck::kGood) << "byte " << i;
    }
  }
  for (std::size_t size = 0; size < kGoNote.size(); ++size) {
    EXPECT_FALSE(ParseSignedNote(kGoNote.substr(0, size), "note")) << size;
  }
}

TEST(Note, AKeyOfAnotherHashIsMalformed) {
  std::string changed(kGoKey);
  changed[changed.find("c74f")] = 'd';
  const auto key = ParseVerifierKey(changed, "key");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Errc::kMalformed);
  EXPECT_THAT(key.error().message, HasSubstr("hash"));
}

TEST(Note, KeysOfOtherKindsAreUnsupported) {
  std::string bytes = *FromBase64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  bytes[0] = 6;
  const auto key = ParseNoteKey("name+00000000+" + ToBase64(bytes), "key");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Errc::kUnsupported);
}

TEST(Note, RefusesTextsThatAreNoNotes) {
  const std::string line = "\xE2\x80\x94 name AAAAAAA=\n";
  const struct {
    std::string text;
    std::string_view why;
  } kCases[] = {
      {"", "empty"},
      {"text\n", "no signature"},
      {"text\n\n" + line.substr(0, line.size() - 1), "no last newline"},
      {"text\n\n- name AAAAAAA=\n", "a hyphen, no em dash"},
      {"te\x01xt\n\n" + line, "a control character"},
      {"te\xFFxt\n\n" + line, "no UTF-8"},
      {"text\n\n\xE2\x80\x94 na+me AAAAAAA=\n", "a plus in the name"},
      {"text\n\n\xE2\x80\x94 name AAAA\n", "no more than a key id"},
      {"text\n\n\xE2\x80\x94 name AAAAAAA\n", "base64 without padding"},
      {"text\n\n\xE2\x80\x94 name AAAA_AA=\n", "another alphabet"},
      {std::string(70'000, 'x') + "\n\n" + line, "too large"},
  };
  for (const auto& one : kCases) {
    const auto note = ParseSignedNote(one.text, "note");
    ASSERT_FALSE(note) << one.why;
    EXPECT_EQ(note.error().code, Errc::kMalformed) << one.why;
  }
  std::string many = "text\n\n";
  for (int i = 0; i < 65; ++i) many += line;
  EXPECT_FALSE(ParseSignedNote(many, "note"));
}

TEST(Note, SignsWhatItAccepts) {
  const auto signer = TestSigner(7);
  SignedNote note{"a text\n", {}};
  auto line = SignNote(note, "me", *signer);
  ASSERT_TRUE(line) << line.error().message;
  note.signatures.push_back(*line);
  const auto read = ParseSignedNote(WriteSignedNote(note), "note");
  ASSERT_TRUE(read);
  EXPECT_EQ(CheckNoteLine(*read, read->signatures[0], signer->Public()), LineCheck::kGood);
  EXPECT_EQ(CheckNoteLine(*read, read->signatures[0], TestSigner(8)->Public()),
            LineCheck::kOtherKey);
  EXPECT_FALSE(SignNote(note, "a name", *signer));
  EXPECT_FALSE(SignNote(note, "", *signer));
}

TEST(Note, AWitnessSignsTheTimeToo) {
  // As C2SP tlog-cosignature says: "cosignature/v1", the time, the note's text.
  const auto signer = TestSigner(9);
  SignedNote note{"a text\n", {}};
  const std::uint64_t time = 1'700'000'000;
  const auto signature = signer->Sign(AsBytes("cosignature/v1\ntime 1700000000\na text\n"));
  ASSERT_TRUE(signature);
  std::string bytes(8, '\0');
  StoreBig(reinterpret_cast<std::byte*>(bytes.data()), time);
  const VerifierKey witness{{"witness", signer->Public()}, NoteKind::kCosignature};
  NoteSignature line{"witness", NoteKeyIdOf("witness", signer->Public(), NoteKind::kCosignature),
                     bytes + *signature};
  const Cosignature good = CheckCosignature(note, line, witness);
  EXPECT_EQ(good.check, LineCheck::kGood);
  EXPECT_EQ(good.time, time);
  line.signature[7] ^= 1;  // the time
  EXPECT_EQ(CheckCosignature(note, line, witness).check, LineCheck::kBad);
  line.name = "another";
  EXPECT_EQ(CheckCosignature(note, line, witness).check, LineCheck::kOtherKey);
}

}  // namespace
}  // namespace hallmark
