// ModelScope's file listings (/api/v1/models/ORG/NAME/repo/files?Recursive=true): an object whose
// Data.Files hold Path, Size and Sha256. docs/sources/json.md.
#include <fmt/format.h>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

std::optional<JsonValue> FindFiles(const JsonValue& root) {
  const auto data = root.Find("Data");
  const auto files = data ? data->Find("Files") : root.Find("Files");
  return files && files->IsArray() ? files : std::nullopt;
}

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"Files\"") == std::string_view::npos ||
      text.find("\"Path\"") == std::string_view::npos) {
    return false;
  }
  const auto document = JsonDocument::Parse(text, "");
  return document && FindFiles(document->Root());
}

Result<Source> Parse(std::string_view text, std::string_view) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, ""));
  const auto listed = FindFiles(document.Root());
  if (!listed) return Error{Errc::kMalformed, "", "no Data.Files in a ModelScope listing"};
  FileCollector files;
  std::size_t index = 0;
  for (const JsonValue& file : listed->Items()) {
    ++index;
    const auto malformed = [&](std::string_view message) {
      return Error{Errc::kMalformed, "",
                   fmt::format("a ModelScope listing: entry {}: {}", index, message)};
    };
    const auto text_of = [&](std::string_view key) {
      const auto value = file.Find(key);
      return value ? value->AsString().value_or("") : "";
    };
    if (text_of("Type") == "tree") continue;  // a folder
    auto path = CheckRelativePath(text_of("Path"));
    if (!path) return malformed(path.error().message);
    std::optional<std::uint64_t> size;
    if (const auto value = file.Find("Size")) {
      size = value->AsU64();
      if (!size) return malformed("Size is not a number of bytes");
    }
    std::optional<Digest> digest;
    if (const std::string_view hex = text_of("Sha256"); !hex.empty()) {
      digest = Digest::FromHex(Algorithm::kSha256, hex);
      if (!digest) return malformed("Sha256 is not 64 hex digits");
    }
    HM_TRY(files.Add(*std::move(path), size, digest, 0));
  }
  Source source;
  source.files = files.Take();
  if (source.files.empty()) return Error{Errc::kMalformed, "", "the listing names no file"};
  return source;
}

}  // namespace

const Dialect kModelScopeDialect = {"modelscope", "ModelScope file listing", Sniff, Parse, false};

}  // namespace hallmark
