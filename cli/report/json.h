// What every JSON report shares; docs/schemas/ describes them. Keys are only ever added.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/json/json_writer.h"
#include "src/tensor/tensor_info.h"
#include "verify/catalogue.h"
#include "weights/identity.h"

namespace hallmark {

// Opens the object: schema, verb, verdict, exit_code. The caller adds its members and ends it.
// On one line it is the last record of --json-lines.
JsonWriter BeginReport(std::string_view verb, std::string_view verdict, ExitCode exit,
                       JsonWriter::Form form = JsonWriter::Form::kPretty);
// Ends the object and gives the text with its final newline.
std::string EndReport(JsonWriter* json);

// The report of a verb that could not do its work: verdict "error".
std::string ErrorReport(std::string_view verb, const Error& error,
                        JsonWriter::Form form = JsonWriter::Form::kPretty);

// "error": {code, subject, message, offset?, hint?}
void WriteError(const Error& error, JsonWriter* json);
// "findings": [{severity, code, subject, message, offset?}]
void WriteFindings(std::span<const Finding> findings, JsonWriter* json);
// KEY: [text, …]
void WriteTexts(std::string_view key, std::span<const std::string> texts, JsonWriter* json);
// "claim", "witnesses": [text, …], "further_witnesses"
void WriteTestimony(const Testimony& testimony, JsonWriter* json);
// {identity, claim, witnesses, further_witnesses}
void WriteListedWeights(const ListedWeights& weights, JsonWriter* json);
// [offset, end) as {"offset": …, "size": …}
void WriteRange(const ByteRange& range, JsonWriter* json);
// "shape": [4096, 11008]
void WriteShape(const Shape& shape, JsonWriter* json);
// "left_out": [{stored_name, reason}]
void WriteLeftOut(std::span<const LeftOut> left_out, JsonWriter* json);

std::string_view ErrcName(Errc code);  // "not-found"

}  // namespace hallmark
