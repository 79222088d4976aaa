// Civitai's answers about one version of a model: files with their hashes.
// docs/sources/json.md.
#include <fmt/format.h>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool LooksLikeVersion(const JsonValue& root) {
  const auto files = root.Find("files");
  if (!files || !files->IsArray()) return false;
  for (const JsonValue& file : files->Items()) {
    if (file.Find("hashes") && file.Find("name")) return true;
  }
  return false;
}

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"hashes\"") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  return document && LooksLikeVersion(document->Root());
}

Result<Source> Parse(std::string_view text, std::string_view) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, ""));
  Source source;
  FileCollector files;
  std::uint64_t shortened = 0;
  std::size_t index = 0;
  for (const JsonValue& file : document.Root().Find("files")->Items()) {
    ++index;
    const auto malformed = [&](std::string_view message) {
      return Error{Errc::kMalformed, "",
                   fmt::format("a Civitai answer: file {}: {}", index, message)};
    };
    const auto name = file.Find("name");
    const auto hashes = file.Find("hashes");
    if (!name || !name->AsString()) return malformed("no name");
    auto path = CheckRelativePath(*name->AsString());
    if (!path) return malformed(path.error().message);
    HM_TRY(files.Add(*path, std::nullopt, std::nullopt, 0));
    if (!hashes) continue;
    for (const JsonMember& hash : hashes->Members()) {
      // The first digits of a digest, or of one of a part: they name a file, they do not prove it.
      if (AsciiLower(hash.key).starts_with("autov")) {
        ++shortened;
        continue;
      }
      const auto algorithm = AlgorithmByName(hash.key);
      if (!algorithm) continue;
      const auto digest = Digest::FromHex(*algorithm, hash.value.AsString().value_or(""));
      if (!digest)
        return malformed(fmt::format("{} is of the wrong length", EscapeForPeople(hash.key)));
      HM_TRY(files.Add(*path, std::nullopt, digest, 0));
    }
  }
  source.files = files.Take();
  if (shortened > 0) {
    source.findings.push_back({Severity::kNote, "shortened-hashes", "",
                               "AutoV1, AutoV2 and AutoV3 are the first digits of digests and are "
                               "not compared; the digests beside them are"});
  }
  return source;
}

}  // namespace

const Dialect kCivitaiDialect = {"civitai", "Civitai model version", Sniff, Parse, false};

}  // namespace hallmark
