#include "verify/sources/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/registry.h"
#include "sign/detached/signify.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"

namespace hallmark {
namespace {

// The text without byte order mark and leading white space.
std::string_view Body(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

constexpr std::string_view kSourceHint =
    "a source is a list of checksums, a torrent, a manifest, a hub's file listing, another copy, "
    "or "
    "catalogue:ID";

// JSON that is no source; empty `what` where RecogniseForeign has better words.
ForeignKind DescribeJson(std::string_view text) {
  const auto document = JsonDocument::Parse(text, "");
  if (!document) return {document.error().message, "", document.error().code};
  const JsonValue root = document->Root();
  if (const auto schema = root.Find("schema")) {
    const std::string_view name = schema->AsString().value_or("");
    if (name.starts_with("hallmark.")) {
      return {fmt::format("a statement of kind {}, which lists no files", EscapeForPeople(name)),
              std::string(kSourceHint)};
    }
  }
  if (root.Find("weight_map")) {
    return {"an index of shards: it says which file holds which tensor, not what the files are",
            "name the directory it lies in to compare with that copy"};
  }
  if (root.Find("schemaVersion") && root.Find("manifests")) {
    return {"an OCI index, which names manifests and no files", "name one of the manifests"};
  }
  return {};
}

// Lists and signatures that are known by their start, and are no source here.
ForeignKind DescribeByStart(std::string_view start) {
  struct Kind {
    std::string_view start, what, hint;
  };
  static constexpr std::string_view kSignedHint = "name the list that it signs";
  static constexpr Kind kKinds[] = {
      {"untrusted comment:", "a minisign or signify signature or key, not a list", kSignedHint},
      {"-----begin pgp", "a detached signature or key, not a list", kSignedHint},
      {"-----begin ssh signature", "a detached signature, not a list", kSignedHint},
      {"version http", "looks like a git-lfs pointer, but of an unknown version", ""},
  };
  for (const Kind& kind : kKinds) {
    if (start.starts_with(kind.start)) return {std::string(kind.what), std::string(kind.hint)};
  }
  return {};
}

// What a text is that no dialect reads.
ForeignKind Describe(std::string_view text) {
  const std::string_view body = Body(text);
  if (body.empty()) return {"the list is empty", "", Errc::kMalformed};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return {"UTF-16 text, as PowerShell writes it",
            "write the list as plain text: Get-FileHash * | ForEach-Object { $_.Hash + '  ' + "
            "(Split-Path "
            "-Leaf $_.Path) } | Out-File -Encoding ascii list.sha256"};
  }
  const bool json = body.front() == '{' || body.front() == '[';
  ForeignKind kind = json ? DescribeJson(text) : DescribeByStart(AsciiLower(body.substr(0, 512)));
  if (!kind.what.empty()) return kind;
  const FileHead head = {AsBytes(text.substr(0, kHeadBytes)), text.size()};
  for (const Format& format : AllFormats()) {
    if (format.sniff(head)) {
      return {fmt::format("weights ({}), not a list", format.title),
              "name the file itself to compare with that copy"};
    }
  }
  kind = RecogniseForeign(head);
  // What looks like a list there is one without a usable line here.
  if (kind.what.empty() || kind.what == "plain text" || kind.what == "a list of checksums") {
    return {"no checksum line in it", std::string(kSourceHint), Errc::kMalformed};
  }
  kind.what += ", not a list of checksums";
  if (json) kind.hint = kSourceHint;
  return kind;
}

// Texts whose start shows that no line of theirs can be a checksum line.
bool IsMarkup(std::string_view text) {
  const std::string_view body = Body(text);
  return body.starts_with('<') || body.starts_with('{') || body.starts_with('[') ||
         text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

}  // namespace

std::span<const Dialect> AllDialects() {
  static const std::array kDialects = {
      kManifestDialect, kStatementDialect,  kCatalogueDialect,  kHubTreeDialect,
      kOciDialect,      kOmsDialect,        kInTotoDialect,     kSigstoreDialect,
      kReceiptDialect,  kCivitaiDialect,    kModelScopeDialect, kTorrentDialect,
      kMetalinkDialect, kLfsPointerDialect, kChecklistDialect,  kHashdeepDialect,
      kGgufHashDialect, kGnuDialect,        kBsdDialect,        kOpensslDialect,
      kSfvDialect,      kLoneHashDialect};
  return kDialects;
}

const ManifestFile* FindInManifest(const Source& source, const std::string& path) {
  return source.manifest ? FindFile(*source.manifest, path) : nullptr;
}

bool ResistsAttackers(const ListedFile& file) {
  return std::any_of(file.digests.begin(), file.digests.end(), [&](const ListedDigest& listed) {
    const Algorithm algorithm = listed.digest.GetAlgorithm();
    return InfoOf(algorithm).resists_attackers &&
           (algorithm != Algorithm::kTree || file.size.has_value());
  });
}

std::vector<bool> ResistingFiles(const Source& source) {
  std::vector<bool> resisting;
  for (const ListedFile& file : source.files) resisting.push_back(ResistsAttackers(file));
  for (const PieceList& list : source.pieces) {
    if (!InfoOf(list.algorithm).resists_attackers) continue;
    for (const PieceSpan& span : list.spans) {
      if (span.holder == PieceSpan::Holder::kFile) resisting[span.file] = true;
    }
  }
  return resisting;
}

void DropPartialDigests(Source& source) {
  std::size_t dropped = 0;
  for (ListedFile& file : source.files) {
    dropped += std::erase_if(file.digests, [](const ListedDigest& listed) {
      return !CoversWholeFile(listed.digest.GetAlgorithm());
    });
  }
  if (dropped == 0) return;
  source.findings.push_back({Severity::kNote, "shortened-hashes", "",
                             "autov1 and autov3 are digests of a part of a file: they name it, and "
                             "are not compared"});
}

void NoteWeakDigests(Source& source) {
  for (const Finding& finding : source.findings) {
    if (finding.code == "weak-digests") return;
  }
  std::uint64_t weak = 0;
  std::uint64_t with_digests = 0;
  std::vector<std::string> algorithms;
  const auto add = [&](std::string name) {
    if (std::ranges::find(algorithms, name) == algorithms.end()) {
      algorithms.push_back(std::move(name));
    }
  };
  std::vector<bool> in_pieces(source.files.size(), false);
  for (const PieceList& list : source.pieces) {
    for (const PieceSpan& span : list.spans) {
      if (span.holder == PieceSpan::Holder::kFile) in_pieces[span.file] = true;
    }
  }
  const std::vector<bool> resisting = ResistingFiles(source);
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    const ListedFile& file = source.files[i];
    if (file.digests.empty() && !in_pieces[i]) continue;
    ++with_digests;
    if (resisting[i]) continue;
    ++weak;
    for (const ListedDigest& listed : file.digests) {
      add(std::string(InfoOf(listed.digest.GetAlgorithm()).name));
    }
    if (file.digests.empty()) add("digests of pieces");
  }
  if (weak == 0) return;
  source.findings.push_back(
      {Severity::kNote, "weak-digests", "",
       fmt::format("{} of {} files have only {}, which guards against accidents, not attackers",
                   weak, with_digests, fmt::join(algorithms, ", "))});
}

Result<Source> ParseSource(std::string_view text, std::string name) {
  if (IsEmbeddedSignify(text)) {
    const EmbeddedSignify embedded = HM_TRY(ParseEmbeddedSignify(text, name));
    if (IsEmbeddedSignify(embedded.message)) {
      return Error{Errc::kMalformed, std::move(name), "a signed list inside a signed list"};
    }
    Source source = HM_TRY(ParseSource(embedded.message, std::move(name)));
    source.embedded_signature = embedded.signature;
    return source;
  }
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
    DropPartialDigests(*source);
    NoteWeakDigests(*source);
    for (Finding& finding : source->findings) {
      if (finding.subject.empty()) finding.subject = name;
    }
    source->name = std::move(name);
    source->text = std::make_shared<const std::string>(text);
    return source;
  }
  ForeignKind stranger = Describe(text);
  return Error{stranger.code, std::move(name), std::move(stranger.what), std::nullopt,
               std::move(stranger.hint)};
}

}  // namespace hallmark
