// From what was found to the verdict: the rules of docs/verdicts.md, and nothing else.
#pragma once

#include "verify/verify_report.h"

namespace hallmark {

// Sets verdict, summary and hint of a report in which what was asked, sources, files and weights
// are filled in.
void Conclude(VerifyReport& report);

}  // namespace hallmark
