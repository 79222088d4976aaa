// What is signed of a statement: a short text that names the statement's bytes and the weights.
// docs/statements.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sign/notes/note.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

struct StatementText {
  std::string kind;                           // "manifest", "receipt", "recipe", "capsule", "root"
  Digest sha256;                              // of the statement's file
  std::string weights = {};                   // "hm1:…"; empty: none
  std::string origin = {};                    // "org/model"; empty: none
  std::uint64_t version = 0;                  // counted up by the origin; 0: the statement has none
  std::optional<std::uint64_t> issued = {};   // unix seconds
  std::optional<std::uint64_t> expires = {};  // unix seconds; from then on it is old
};

// The name of who publishes and of what: one or more parts of letters, digits and ._- between "/".
bool IsOrigin(std::string_view origin);

std::string WriteStatementText(const StatementText& statement);
// Every line in its place and in its one form. Errors: kMalformed; kUnsupported (another version
// or kind of weights).
Result<StatementText> ParseStatementText(std::string_view text, const std::string& subject);

// A statement's signature file: the note, and what its text says. Nothing is checked yet.
struct SignedStatement {
  SignedNote note;
  StatementText statement;
};
bool LooksLikeStatementSignature(std::string_view text);
Result<SignedStatement> ParseSignedStatement(std::string_view text, const std::string& subject);

}  // namespace hallmark
