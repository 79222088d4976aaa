// Reads back the reports that hallmark wrote: --json, or --json-lines with its last record.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"
#include "verify/part.h"
#include "verify/verify_report.h"

namespace hallmark {

// Writes a value as it was read. Numbers are those of reports: whole and not negative, or floats.
void CopyJson(const JsonValue& value, JsonWriter* json);

// The report of one part.
struct PartReport {
  std::string name;  // the file, for messages
  std::string verb;
  PartStamp stamp;
  ExitCode exit = ExitCode::kOk;
  std::vector<JsonDocument> documents;  // hold what follows
  JsonValue head;                       // the object with schema and verdict
  std::vector<JsonValue> items;         // of files, or models
};
// Errors: kMalformed (no report, one cut short, one that is of no part), kUnsupported (of another
// version or verb, or too large), and that of the part itself if it could not do its work.
Result<PartReport> ReadPartReport(std::string_view text, std::string name);

// What WriteRemembered wrote into this object; kMalformed as below.
Result<RememberedTotal> ReadRemembered(const JsonValue& value);

// What a part of verify found. kMalformed, naming what is not as hallmark writes it.
Result<VerifyReport> ReadVerifyReport(const PartReport& part);

}  // namespace hallmark
