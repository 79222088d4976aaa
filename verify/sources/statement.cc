// A signed statement alone, without the file that it signs: it names the weights.
// docs/statements.md.
#include "sign/trust/statement_signature.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view) { return LooksLikeStatementSignature(text); }

Result<Source> Parse(std::string_view text, std::string_view) {
  const SignedStatement parsed = HM_TRY(ParseSignedStatement(text, ""));
  if (parsed.statement.weights.empty()) {
    return Error{Errc::kUnsupported, "", "a signature that names no weights", std::nullopt,
                 "name the file that it signs"};
  }
  Source source;
  source.weights = parsed.statement.weights;
  return source;
}

}  // namespace

const Dialect kStatementDialect = {"statement", "signed statement", Sniff, Parse, false};

}  // namespace hallmark
