#include "verify/sources/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/registry.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

constexpr std::size_t kHeadBytes = 4096;

std::string_view LastComponent(std::string_view name) {
  return name.substr(name.find_last_of('/') + 1);  // npos + 1 is 0
}

// The text without byte order mark and leading white space.
std::string_view Body(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

struct Stranger {
  Errc code;
  std::string what;
  std::string hint;
};

// What a JSON text is that is no source.
Stranger DescribeJson(std::string_view text) {
  const auto document = JsonDocument::Parse(text, "");
  if (!document) return {document.error().code, document.error().message, ""};
  const JsonValue root = document->Root();
  if (const auto schema = root.Find("schema")) {
    const std::string_view name = schema->AsString().value_or("");
    if (name.starts_with("hallmark.")) {
      return {Errc::kUnsupported, fmt::format("a statement of kind {}, which lists no files",
                                              EscapeForPeople(name)), ""};
    }
  }
  if (root.Find("weight_map")) {
    return {Errc::kUnsupported,
            "an index of shards: it says which file holds which tensor, not what the files are",
            "name the directory it lies in to compare with that copy"};
  }
  if (root.Find("schemaVersion") && root.Find("layers")) {
    return {Errc::kUnsupported, "an OCI or Ollama manifest, which is not read yet as a source", ""};
  }
  if (root.Find("model_type") || root.Find("architectures")) {
    return {Errc::kUnsupported, "a model's configuration, not a list of checksums", ""};
  }
  if (const auto error = root.Find("error")) {
    return {Errc::kMalformed,
            fmt::format("an error message of a server, not a list: {}",
                        EscapeForPeople(error->AsString().value_or("").substr(0, 200))),
            "download the list again, logged in if the page asks for it"};
  }
  return {Errc::kUnsupported, "JSON of a kind that lists no checksums known here", ""};
}

// What a text is that no dialect reads.
Stranger Describe(std::string_view text) {
  static constexpr std::string_view kHint =
      "a source is a list of checksums, a manifest, a hub's file listing, another copy, or "
      "catalogue:ID";
  const std::string_view body = Body(text);
  const std::string start = AsciiLower(body.substr(0, 512));
  if (body.empty()) return {Errc::kMalformed, "the list is empty", ""};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return {Errc::kUnsupported, "UTF-16 text, as PowerShell writes it",
            "save the list as UTF-8: Get-FileHash … | Out-File -Encoding utf8"};
  }
  if (body.front() == '{' || body.front() == '[') return DescribeJson(text);
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) {
    return {Errc::kMalformed, "a saved web page, not a list",
            "download the list again, logged in if the page asks for it"};
  }
  if (start.starts_with("<?xml") || start.starts_with("<metalink")) {
    return {Errc::kUnsupported, "XML, not a list of checksums known here", ""};
  }
  if (start.starts_with("version https://") || start.starts_with("version http://")) {
    return {Errc::kUnsupported, "looks like a git-lfs pointer of an unknown version", ""};
  }
  if (start.starts_with("untrusted comment:")) {
    return {Errc::kUnsupported, "a minisign or signify signature or key, not a list",
            "name the list that it signs"};
  }
  if (start.starts_with("-----begin pgp") || start.starts_with("-----begin ssh signature")) {
    return {Errc::kUnsupported, "a detached signature or key, not a list",
            "name the list that it signs"};
  }
  if (start.starts_with("%%%% hashdeep")) {
    return {Errc::kUnsupported, "a hashdeep list, which is not read yet as a source", ""};
  }
  if (start.starts_with("d8:announce") || start.starts_with("d4:info") ||
      start.starts_with("d13:announce-list")) {
    return {Errc::kUnsupported, "a torrent, which is not read yet as a source", ""};
  }
  for (const std::string_view algorithm : {"xxh64 ", "sha1 ", "sha256 ", "uuid "}) {
    if (start.starts_with(algorithm) && start.find(" (") == std::string::npos) {
      return {Errc::kUnsupported,
              "looks like llama-gguf-hash's list: its hashes are of tensors, not of files", ""};
    }
  }
  const FileHead head = {AsBytes(text.substr(0, kHeadBytes)), text.size()};
  for (const Format& format : AllFormats()) {
    if (format.sniff(head)) {
      return {Errc::kUnsupported, fmt::format("weights ({}), not a list", format.title),
              "name the file itself to compare with that copy"};
    }
  }
  ForeignKind foreign = RecogniseForeign(head);
  if (!foreign.what.empty()) {
    return {Errc::kMalformed, foreign.what + ", not a list of checksums", foreign.hint};
  }
  return {Errc::kMalformed, "no checksum line in it", std::string(kHint)};
}

// Texts whose start shows that no line of theirs can be a checksum line.
bool IsMarkup(std::string_view text) {
  const std::string_view body = Body(text);
  return body.starts_with('<') || body.starts_with('{') || body.starts_with('[') ||
         text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

}  // namespace

std::span<const Dialect> AllDialects() {
  static const std::array<Dialect, 10> kDialects = {
      kManifestDialect,  kCatalogueDialect, kHubTreeDialect, kLfsPointerDialect,
      kChecklistDialect, kGnuDialect,       kBsdDialect,     kOpensslDialect,
      kSfvDialect,       kLoneHashDialect};
  return kDialects;
}

void NoteWeakDigests(Source& source) {
  std::uint64_t weak = 0;
  std::uint64_t with_digests = 0;
  std::vector<std::string> algorithms;
  for (const ListedFile& file : source.files) {
    if (file.digests.empty()) continue;
    ++with_digests;
    bool resists = false;
    for (const ListedDigest& listed : file.digests) {
      resists = resists || InfoOf(listed.digest.GetAlgorithm()).resists_attackers;
    }
    if (resists) continue;
    ++weak;
    for (const ListedDigest& listed : file.digests) {
      std::string name(InfoOf(listed.digest.GetAlgorithm()).name);
      if (std::find(algorithms.begin(), algorithms.end(), name) == algorithms.end()) {
        algorithms.push_back(std::move(name));
      }
    }
  }
  if (weak == 0) return;
  source.findings.push_back(
      {Severity::kNote, "weak-digests", "",
       fmt::format("{} of {} files have only {}, which guards against accidents, not attackers",
                   weak, with_digests, fmt::join(algorithms, ", "))});
}

Result<Source> ParseSource(std::string_view text, std::string name) {
  const std::string_view file_name = LastComponent(name);
  const bool markup = IsMarkup(text);
  for (const Dialect& dialect : AllDialects()) {
    if (markup && dialect.by_lines) continue;
    if (!dialect.sniff(text, file_name)) continue;
    auto source = dialect.parse(text, file_name);
    if (!source) {
      Error error = std::move(source).error();
      error.subject = std::move(name);
      return error;
    }
    source->dialect = dialect.name;
    source->title = dialect.title;
    NoteWeakDigests(*source);
    for (Finding& finding : source->findings) {
      if (finding.subject.empty()) finding.subject = name;
    }
    source->name = std::move(name);
    return source;
  }
  Stranger stranger = Describe(text);
  return Error{stranger.code, std::move(name), std::move(stranger.what), std::nullopt,
               std::move(stranger.hint)};
}

}  // namespace hallmark
