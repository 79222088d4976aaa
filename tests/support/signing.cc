#include "tests/support/signing.h"

#include <algorithm>

#include "src/hash/hasher.h"

namespace hallmark {

std::unique_ptr<Signer> TestSigner(unsigned char fill) {
  Secret seed(32);
  std::ranges::fill(seed.Bytes(), std::byte{fill});
  return Ed25519Signer(seed);
}

NamedKey TestKey(unsigned char fill) {
  return {"key-" + std::to_string(fill), TestSigner(fill)->Public()};
}

std::string SignedNoteText(const StatementText& statement, const std::vector<unsigned char>& keys) {
  SignedNote note{WriteStatementText(statement), {}};
  for (const unsigned char fill : keys) {
    const auto line = SignNote(note, TestKey(fill).name, *TestSigner(fill));
    HM_CHECK(line.has_value());
    note.signatures.push_back(*line);
  }
  return WriteSignedNote(note);
}

SignedRoot TestRoot(const std::string& origin, std::uint64_t version, std::uint64_t threshold,
                    const std::vector<unsigned char>& keys,
                    const std::vector<unsigned char>& signers,
                    std::optional<std::uint64_t> expires) {
  TrustRoot root{origin, version, threshold, {}, expires};
  for (const unsigned char fill : keys) root.keys.push_back(TestKey(fill));
  const std::string json = WriteTrustRoot(root);
  const Digest sha256 = HashBytes(Algorithm::kSha256, AsBytes(json));
  const StatementText statement{
      .kind = "root", .sha256 = sha256, .origin = origin, .version = version, .expires = expires};
  return {std::move(root), sha256, json, SignedNoteText(statement, signers)};
}

}  // namespace hallmark
