// From what was found to the verdict: the rules of docs/verdicts.md, and nothing else.
#pragma once

#include "verify/verify.h"

namespace hallmark {

// Sets verdict, summary and hint of a report whose sources, files and weights are filled in.
void Conclude(const VerifyOptions& options, VerifyReport& report);

}  // namespace hallmark
