// Any bytes as the signature of a statement: refused with a reason, or read in the one form that
// writes the same bytes; and nothing but what was signed is ever accepted as signed. And as a proof
// that a log has it.
#include "sign/trust/statement_signature.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "sign/keys/signer.h"
#include "sign/trust/tlog_proof.h"

namespace hallmark {
namespace {

const Signer& FuzzSigner() {
  static const std::unique_ptr<Signer> signer = [] {
    Secret seed(32);
    std::ranges::fill(seed.Bytes(), std::byte{1});
    return Ed25519Signer(seed);
  }();
  return *signer;
}

// The only texts that the key of the corpus has signed.
bool WasSigned(const std::string& text) {
  return text.starts_with("hallmark-statement/v1\nkind manifest\nsha256 ") &&
         text.ends_with("\norigin my-org/tiny\nversion 2\nissued -\nexpires 4070908800\n");
}

void CheckProof(std::string_view text) {
  const auto proof = ParseTlogProof(text, "fuzz");
  if (!proof) {
    HM_CHECK(!proof.error().message.empty());
    return;
  }
  HM_CHECK(!proof->checkpoint.empty() && proof->hashes.size() <= 64);
  for (const std::string& hash : proof->hashes) HM_CHECK(hash.size() == 32);
  TrustRoot root;
  root.logs.push_back({{"log.example/x", FuzzSigner().Public()}, NoteKind::kEd25519});
  HM_CHECK(!CheckTlogProof(*proof, "never logged", root, 0, "fuzz"));
}

void Check(std::string_view text) {
  CheckProof(text);
  const auto parsed = ParseSignedStatement(text, "fuzz");
  if (!parsed) {
    HM_CHECK(!parsed.error().message.empty());
    return;
  }
  HM_CHECK(WriteStatementText(parsed->statement) == parsed->note.text);
  HM_CHECK(WriteSignedNote(parsed->note) == text);
  for (const NoteSignature& line : parsed->note.signatures) {
    if (CheckNoteLine(parsed->note, line, FuzzSigner().Public()) != LineCheck::kGood) continue;
    HM_CHECK(WasSigned(parsed->note.text));
  }
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hallmark::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
