// Whose signatures count: the options of verbs that check signed sources.
#pragma once

#include <vector>

#include "cli/session.h"
#include "verify/signatures/endorse.h"

namespace hallmark {

std::vector<Option> SignatureOptions();
// Errors: kUsage; those of reading keys and certificates.
Result<SignatureRules> SignatureRulesAskedFor(std::string_view verb, const Arguments& arguments,
                                              Session& session);

}  // namespace hallmark
