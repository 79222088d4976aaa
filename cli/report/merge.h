// Reports of all parts become the report that one worker would have written.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/report/read_json.h"

namespace hallmark {

// Sorts the reports by part. Errors: kNotFound (parts are missing), kUsage (a part is there twice;
// parts of different division, verb, request or sources), kIo (files that changed between them),
// each naming the reports.
Result<void> CheckParts(std::vector<PartReport>& parts);

// What follows takes reports that CheckParts accepted.

// With the verdict over all files, which no part has. Errors: as ReadVerifyReport.
Result<VerifyReport> MergeVerify(std::span<const PartReport> parts);

struct MergedList {
  std::string json;
  std::string summary;  // a line for people
  ExitCode exit = ExitCode::kOk;
};
// Of hash or id: the files or models of all parts, by name. kMalformed if one has none.
Result<MergedList> MergeLists(std::span<const PartReport> parts);

}  // namespace hallmark
