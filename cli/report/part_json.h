// --part: what asks for one part of the work, and what its report says of itself.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"
#include "verify/part.h"

namespace hallmark {

Option PartOption();
// What was given as --part; kUsage if that is none.
Result<std::optional<Part>> PartAskedFor(std::string_view verb, const Arguments& arguments);
// A fingerprint of what was asked: verb, operands, and those options that change the answer.
std::string RequestOf(std::string_view verb, const Arguments& arguments,
                      std::initializer_list<std::string_view> options);

// "part": {index, count, request, sources, files, total_files, total_bytes}
void WritePart(const PartStamp& stamp, JsonWriter* json);
// kMalformed if it is not what WritePart writes.
Result<PartStamp> ReadPart(const JsonValue& value);

}  // namespace hallmark
