// in-toto statements as lists of files, SLSA provenance among them: in a Sigstore bundle, in a DSSE
// envelope, or bare. docs/sources/in-toto.md.
#include "sign/in_toto/statement.h"

#include <fmt/format.h>

#include <variant>

#include "sign/oms/statement.h"
#include "sign/sigstore/bundle.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownMaterials = 20;

bool Sniff(std::string_view text, std::string_view) {
  const auto document = JsonDocument::Parse(text, "");
  if (!document) return false;
  const JsonValue root = document->Root();
  if (root.Find("dsseEnvelope")) return true;  // what is no model signature
  if (root.Find("payload") && root.Find("payloadType")) return true;
  const auto type = root.Find("_type");
  return type && type->AsString().value_or("").starts_with("https://in-toto.io/Statement/");
}

// The statement's own text, wherever it stands.
Result<std::string> PayloadOf(std::string_view text) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, ""));
  if (document.Root().Find("_type")) return std::string(text);
  DsseEnvelope envelope;
  if (document.Root().Find("payload")) {
    envelope = HM_TRY(ParseDsseEnvelope(document.Root(), ""));
  } else {
    SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(text, ""));
    envelope = std::get<DsseEnvelope>(std::move(bundle.content));
  }
  if (envelope.payload_type != kInTotoPayloadType) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("an envelope of {}, not of an in-toto statement",
                             EscapeForPeople(envelope.payload_type))};
  }
  return std::move(envelope.payload);
}

void DescribeBuild(const SlsaProvenance& slsa, Source& source) {
  source.findings.push_back({Severity::kNote, "built-by", "",
                             fmt::format("built by {}, as {}", EscapeForPeople(slsa.builder),
                                         EscapeForPeople(slsa.build_type))});
  for (std::size_t i = 0; i < slsa.materials.size(); ++i) {
    if (i == kShownMaterials) {
      source.findings.push_back({Severity::kNote, "built-from", "",
                                 fmt::format("and from {} more", slsa.materials.size() - i)});
      break;
    }
    const InTotoSubject& material = slsa.materials[i];
    std::string what = EscapeForPeople(material.name);
    for (const Digest& digest : material.digests) what += ", " + digest.ToString();
    source.findings.push_back({Severity::kNote, "built-from", "", "built from " + what});
  }
}

Result<Source> Parse(std::string_view text, std::string_view) {
  const InTotoStatement statement = HM_TRY(ParseInTotoStatement(HM_TRY(PayloadOf(text)), ""));
  Source source;
  FileCollector files;
  std::uint64_t nameless = 0;
  for (const InTotoSubject& subject : statement.subjects) {
    if (subject.digests.empty()) continue;
    // A name that is no path here says nothing; the digest does.
    std::string path = CheckListedPath(subject.name, false).value_or("");
    if (path.empty()) {
      if (++nameless > 1) continue;
      ListedFile& file = source.files.emplace_back();
      for (const Digest& digest : subject.digests) file.digests.push_back({digest});
      continue;
    }
    for (const Digest& digest : subject.digests) HM_TRY(files.Add(path, std::nullopt, digest, 0));
  }
  for (ListedFile& file : files.Take()) source.files.push_back(std::move(file));
  if (nameless > 1) {
    source.findings.push_back(
        {Severity::kWarning, "nameless-subjects", "",
         fmt::format("{} subjects have names that are no paths: only the first is looked for",
                     nameless)});
  }
  if (source.files.empty()) {
    return Error{Errc::kUnsupported, "", "a statement whose subjects have no digest known here"};
  }
  if (statement.slsa) {
    source.builder = statement.slsa->builder;
    DescribeBuild(*statement.slsa, source);
  }
  source.findings.push_back({Severity::kNote, "statement-type", "",
                             "a statement of type " + EscapeForPeople(statement.predicate_type)});
  return source;
}

bool SniffSignature(std::string_view text, std::string_view) {
  if (text.find("\"messageSignature\"") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  return document && document->Root().Find("messageSignature");
}

Result<Source> ParseSignature(std::string_view text, std::string_view) {
  const SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(text, ""));
  const auto* message = std::get_if<MessageSignature>(&bundle.content);
  if (message == nullptr || !message->digest) {
    return Error{Errc::kUnsupported, "", "a Sigstore bundle that names no digest", std::nullopt,
                 "name the file that it signs, and the bundle with --signature"};
  }
  Source source;
  source.files.push_back({.path = "", .digests = {{*message->digest}}});
  return source;
}

}  // namespace

const Dialect kInTotoDialect = {"in-toto", "in-toto statement", Sniff, Parse, false};
const Dialect kSigstoreDialect = {"sigstore", "Sigstore bundle", SniffSignature, ParseSignature,
                                  false};

}  // namespace hallmark
