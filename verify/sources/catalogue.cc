// A catalogue file of one model, such as `hallmark catalogue export` writes, named as a source.
// catalogue:ID goes through the loaded catalogue instead (open_source.cc).
#include "verify/catalogue.h"

#include <fmt/format.h>

#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"hallmark.catalogue/") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  if (!document) return false;
  const auto schema = document->Root().Find("schema");
  return schema && schema->AsString().value_or("").starts_with("hallmark.catalogue/");
}

Result<Source> Parse(std::string_view text, std::string_view file_name) {
  ParsedCatalogue parsed = HM_TRY(ParseCatalogue(text, std::string(file_name)));
  if (parsed.entries.size() != 1) {
    return Error{Errc::kUsage, "", fmt::format("a catalogue of {} models", parsed.entries.size()),
                 std::nullopt, "import it, then name one of them: catalogue:ID"};
  }
  Source source = ToSource(parsed.entries[0]);
  for (Finding& finding : parsed.findings) source.findings.push_back(std::move(finding));
  return source;
}

}  // namespace

const Dialect kCatalogueDialect = {"catalogue", "catalogue entry", Sniff, Parse, false};

}  // namespace hallmark
