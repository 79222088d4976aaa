// A statement's file as it is to be signed.
#pragma once

#include <string>
#include <string_view>

#include "sign/trust/statement_signature.h"

namespace hallmark {

// True for JSON whose "schema" is "hallmark.KIND/…" of a kind that is signed.
bool IsStatement(std::string_view json);

// What there is to sign of a statement: kind, digest, weights, and what it says itself of origin,
// version and dates. It is parsed, so that nothing broken is signed. Errors: kMalformed;
// kUnsupported.
Result<StatementText> DescribeStatement(std::string_view json, const std::string& subject);

}  // namespace hallmark
