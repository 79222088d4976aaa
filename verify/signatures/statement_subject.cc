#include "verify/signatures/statement_subject.h"

#include <fmt/format.h>

#include "sign/trust/trust_root.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "transform/receipt.h"
#include "transform/recipe.h"
#include "weights/manifest.h"

namespace hallmark {
namespace {

// "manifest" of "hallmark.manifest/1"; empty for anything else.
std::string KindOf(std::string_view json) {
  if (json.find("\"hallmark.") == std::string_view::npos) return {};
  const auto document = JsonDocument::Parse(json, "");
  const auto schema = document ? document->Root().Find("schema") : std::nullopt;
  const std::string_view name = schema ? schema->AsString().value_or("") : std::string_view();
  for (const std::string_view kind : {"manifest", "receipt", "recipe", "root"}) {
    if (name.starts_with(fmt::format("hallmark.{}/", kind))) return std::string(kind);
  }
  return {};
}

}  // namespace

bool IsStatement(std::string_view json) { return !KindOf(json).empty(); }

Result<StatementText> DescribeStatement(std::string_view json, const std::string& subject) {
  StatementText statement{KindOf(json), HashBytes(Algorithm::kSha256, AsBytes(json))};
  if (statement.kind == "manifest") {
    Manifest manifest = HM_TRY(ParseManifest(json, subject));
    statement.weights = std::move(manifest.weights);
    statement.origin = std::move(manifest.origin);
    statement.version = manifest.version.value_or(0);
    statement.issued = manifest.issued;
    statement.expires = manifest.expires;
  } else if (statement.kind == "receipt") {
    statement.weights = HM_TRY(ParseReceipt(json, subject)).output_weights;
  } else if (statement.kind == "recipe") {
    HM_TRY(ParseRecipe(json, subject));
  } else if (statement.kind == "root") {
    TrustRoot root = HM_TRY(ParseTrustRoot(json, subject));
    statement.origin = std::move(root.origin);
    statement.version = root.version;
    statement.expires = root.expires;
  } else {
    return Error{Errc::kUnsupported, subject, "no statement of hallmark's", std::nullopt,
                 "hallmark hash --format manifest writes one of a model; --format minisign signs "
                 "any file"};
  }
  return statement;
}

}  // namespace hallmark
