// hallmark's own manifests: files, tensors and the weight identity. docs/statements.md.
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"hallmark.manifest/") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  if (!document) return false;
  const auto schema = document->Root().Find("schema");
  return schema && schema->AsString().value_or("").starts_with("hallmark.manifest/");
}

Result<Source> Parse(std::string_view text, std::string_view file_name) {
  Source source;
  source.manifest = HM_TRY(ParseManifest(text, std::string(file_name)));
  const Manifest& manifest = *source.manifest;
  source.weights = manifest.weights;
  for (const ManifestFile& file : manifest.files) {
    ListedFile listed;
    listed.path = file.path;
    listed.size = file.size;
    for (const Digest& digest : file.digests) listed.digests.push_back({digest});
    source.files.push_back(std::move(listed));
  }
  for (const std::string& field : manifest.unknown_fields) {
    source.findings.push_back({Severity::kNote, "unknown-field", field,
                               "a field of the manifest that is not known here, ignored"});
  }
  return source;
}

}  // namespace

const Dialect kManifestDialect = {"manifest", "hallmark manifest", Sniff, Parse, false};

}  // namespace hallmark
