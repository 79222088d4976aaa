// Model signatures (OMS) as lists of files; whether the signature holds, verify/signatures asks.
// docs/sources/oms.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "sign/oms/statement.h"
#include "sign/sigstore/bundle.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

// Every envelope but those of statements that say that they are of another kind.
bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"dsseEnvelope\"") == std::string_view::npos) return false;
  const auto bundle = JsonDocument::Parse(text, "");
  const auto envelope = bundle ? bundle->Root().Find("dsseEnvelope") : std::nullopt;
  if (!envelope) return false;
  const auto base64 = envelope->Find("payload");
  const auto payload = FromBase64(base64 ? base64->AsString().value_or("") : "");
  if (!payload) return true;
  const auto statement = JsonDocument::Parse(*payload, "");
  const auto type = statement ? statement->Root().Find("predicateType") : std::nullopt;
  return !type || type->AsString().value_or("").starts_with("https://model_signing/");
}

// Shards of a file are its pieces; the statement has made sure that they are whole and equal.
void AddShards(const OmsStatement& statement, Source& source) {
  std::map<std::string_view, std::vector<const OmsResource*>> files;
  for (const OmsResource& resource : statement.resources) files[resource.path].push_back(&resource);
  for (auto& [path, shards] : files) {
    std::ranges::sort(shards, {}, [](const OmsResource* shard) { return shard->range.offset; });
    const std::uint64_t bytes = shards.back()->range.End();
    PieceList list{statement.hash, statement.shard_bytes, {}, {}};
    for (const OmsResource* shard : shards) {
      const ByteSpan digest = shard->digest.Bytes();
      list.digests.insert(list.digests.end(), digest.begin(), digest.end());
    }
    list.spans.push_back({PieceSpan::Holder::kFile, source.files.size(), bytes});
    source.files.push_back({.path = std::string(path), .size = bytes});
    source.pieces.push_back(std::move(list));
  }
}

void AddFindings(const OmsStatement& statement, Source& source) {
  source.findings = statement.findings;
  source.findings.push_back({Severity::kWarning, "signature-not-checked", "",
                             "the statement is signed, but its signature is not checked here"});
  if (!statement.ignored_paths.empty()) {
    std::vector<std::string> paths;
    std::ranges::transform(statement.ignored_paths, std::back_inserter(paths), EscapeForPeople);
    source.findings.push_back(
        {Severity::kNote, "ignored-paths", "",
         fmt::format("the statement leaves out: {}", fmt::join(paths, ", "))});
  }
}

Result<Source> Parse(std::string_view text, std::string_view) {
  const SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(text, ""));
  const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content);
  if (!envelope || envelope->payload_type != kInTotoPayloadType) {
    return Error{Errc::kUnsupported, "", "a Sigstore bundle of something else than a statement"};
  }
  OmsStatement statement = HM_TRY(ParseOmsStatement(envelope->payload, ""));
  Source source;
  if (statement.method == OmsMethod::kShards) {
    AddShards(statement, source);
  } else {
    for (const OmsResource& resource : statement.resources) {
      source.files.push_back({.path = resource.path, .digests = {{resource.digest}}});
    }
  }
  AddFindings(statement, source);
  source.oms = std::make_shared<const OmsStatement>(std::move(statement));
  return source;
}

}  // namespace

const Dialect kOmsDialect = {"oms", "OpenSSF model signature", Sniff, Parse, false};

}  // namespace hallmark
