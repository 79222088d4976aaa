// The receipt of a conversion: what it wrote. docs/statements.md.
#include "transform/receipt.h"

#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"hallmark.receipt/") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  const auto schema = document ? document->Root().Find("schema") : std::nullopt;
  return schema && schema->AsString().value_or("").starts_with("hallmark.receipt/");
}

Result<Source> Parse(std::string_view text, std::string_view file_name) {
  const Receipt receipt = HM_TRY(ParseReceipt(text, std::string(file_name)));
  Source source;
  source.weights = receipt.output_weights;
  FileCollector files;
  for (const ReceiptFile& file : receipt.outputs) {
    std::string path = HM_TRY(CheckListedPath(file.path, true));
    HM_TRY(files.Add(std::move(path), file.size, file.tree, 0));
  }
  source.files = files.Take();
  for (const std::string& field : receipt.unknown_fields) {
    source.findings.push_back({Severity::kNote, "unknown-field", field,
                               "a field of the receipt that is not known here, ignored"});
  }
  return source;
}

}  // namespace

const Dialect kReceiptDialect = {"receipt", "receipt of a conversion", Sniff, Parse, false};

}  // namespace hallmark
