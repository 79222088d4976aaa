// Manifests of OCI images (image-spec 1.1) and of Ollama, which uses Docker's older form: blobs by
// digest and size. docs/sources/stores.md.
#include <fmt/format.h>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool LooksLikeManifest(const JsonValue& root) {
  const auto layers = root.Find("layers");
  return root.Find("schemaVersion") && layers && layers->IsArray();
}

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"schemaVersion\"") == std::string_view::npos ||
      text.find("\"layers\"") == std::string_view::npos) {
    return false;
  }
  const auto document = JsonDocument::Parse(text, "");
  return document && LooksLikeManifest(document->Root());
}

std::string_view TextOf(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->AsString().value_or("") : "";
}

class ManifestReader {
 public:
  Result<Source> Read(const JsonValue& root) {
    if (const auto version = root.Find("schemaVersion"); version->AsU64() != 2) {
      return Error{Errc::kUnsupported, "", "an OCI manifest of a schema version other than 2"};
    }
    if (const auto config = root.Find("config")) HM_TRY(Add(*config, "config"));
    std::size_t index = 0;
    for (const JsonValue& layer : root.Find("layers")->Items()) {
      HM_TRY(Add(layer, fmt::format("layer {}", ++index)));
    }
    Source source;
    source.files = files_.Take();
    if (source.files.empty()) return Error{Errc::kMalformed, "", "an OCI manifest of no blobs"};
    return source;
  }

 private:
  Result<void> Add(const JsonValue& blob, const std::string& which) {
    const auto malformed = [&](std::string_view message) {
      return Error{Errc::kMalformed, "", fmt::format("an OCI manifest: {}: {}", which, message)};
    };
    const auto digest = Digest::Parse(TextOf(blob, "digest"));
    if (!digest || (digest->GetAlgorithm() != Algorithm::kSha256 &&
                    digest->GetAlgorithm() != Algorithm::kSha512)) {
      return malformed("no sha256 or sha512 digest");
    }
    const auto size = blob.Find("size");
    if (!size || !size->AsU64()) return malformed("no size in bytes");
    // The empty blob that stands for "no configuration".
    if (TextOf(blob, "mediaType") == "application/vnd.oci.empty.v1+json") return {};
    std::string path = fmt::format("{}-{}", InfoOf(digest->GetAlgorithm()).name, digest->Hex());
    if (const auto annotations = blob.Find("annotations"); annotations && !IsArchive(blob)) {
      const std::string_view title = TextOf(*annotations, "org.opencontainers.image.title");
      if (!title.empty()) {
        auto checked = CheckRelativePath(title);
        if (!checked) return malformed(checked.error().message);
        path = std::move(*checked);
      }
    }
    return files_.Add(std::move(path), size->AsU64(), digest, 0);
  }

  // An archive's title names what is in it; the digest is the archive's.
  static bool IsArchive(const JsonValue& blob) {
    const std::string_view type = TextOf(blob, "mediaType");
    return type.find(".tar") != std::string_view::npos || type.ends_with("+gzip") ||
           type.ends_with("+zstd");
  }

  FileCollector files_;
};

Result<Source> Parse(std::string_view text, std::string_view) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, ""));
  return ManifestReader().Read(document.Root());
}

}  // namespace

const Dialect kOciDialect = {"oci", "OCI or Ollama manifest", Sniff, Parse, false};

}  // namespace hallmark
