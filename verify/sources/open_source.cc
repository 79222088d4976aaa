// From what a user writes after --against to a source.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "formats/archives.h"
#include "formats/registry.h"
#include "verify/sources/source.h"
#include "verify/user_catalogue.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxSourceBytes = 100'000'000;
constexpr std::string_view kCatalogueScheme = "catalogue:";

bool IsText(ByteSpan head) {
  return std::none_of(head.begin(), head.end(), [](std::byte b) {
    const auto c = std::to_integer<unsigned>(b);
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
}

Result<Source> OpenCatalogueSource(const std::string& spec) {
  const Catalogue catalogue = HM_TRY(Catalogue::Load(UserCatalogueFolder()));
  const CatalogueEntry* entry =
      HM_TRY(catalogue.Require(std::string_view(spec).substr(kCatalogueScheme.size())));
  return ToSource(*entry);
}

Error NoSuchSource(const std::string& spec) {
  static constexpr std::string_view kSchemes[] = {
      "hf:", "ollama:", "oci:", "magnet:", "ms:", "ipfs:"};
  const bool scheme = spec.find("://") != std::string::npos ||
                      std::any_of(std::begin(kSchemes), std::end(kSchemes),
                                  [&](std::string_view known) { return spec.starts_with(known); });
  if (scheme) {
    return {Errc::kUnsupported, spec, "sources are not fetched from a network", std::nullopt,
            "download the list and name the file"};
  }
  Error error = {Errc::kNotFound, spec, "no such file or directory"};
  if (const auto catalogue = Catalogue::Load(UserCatalogueFolder())) {
    if (const CatalogueEntry* entry = catalogue->Find(spec)) {
      error.hint = fmt::format("did you mean {}{}", kCatalogueScheme, entry->id);
    }
  }
  return error;
}

Result<Source> OpenFileSource(const std::string& spec, const Task& task) {
  const auto file = HM_TRY(OpenFile(spec));
  const std::vector<std::byte> head = HM_TRY(ReadHead(*file));
  if (!IsText(head)) {
    if (HM_TRY(SniffFormat(*file)) != nullptr || HM_TRY(IsArchive(*file))) {
      return SourceFromCopy(spec, task);
    }
    if (file->Size() > kMaxSourceBytes) {
      const ForeignKind kind = RecogniseForeign({head, file->Size()});
      return Error{kind.code, spec,
                   kind.what.empty() ? "neither a list of checksums nor weights known here"
                                     : kind.what + ", not a list of checksums",
                   std::nullopt, kind.hint};
    }
  }
  const std::string text = HM_TRY(ReadWholeFile(*file, kMaxSourceBytes));
  HM_TRY(file->CheckUnchanged());
  auto source = ParseSource(text, spec);
  if (!source && source.error().code == Errc::kUnsupported && spec.ends_with(".index.json")) {
    return SourceFromCopy(spec, task);
  }
  if (source) source->file = spec;
  return source;
}

}  // namespace

Result<Source> OpenSource(const std::string& spec, const Task& task) {
  if (spec.empty()) return Error{Errc::kUsage, "", "an empty source"};
  if (spec.starts_with(kCatalogueScheme)) return OpenCatalogueSource(spec);
  std::error_code code;
  const fs::file_status status = fs::status(spec, code);
  if (status.type() == fs::file_type::not_found) return NoSuchSource(spec);
  if (fs::is_directory(status)) {
    Source source = HM_TRY(SourceFromCopy(spec, task));
    source.name = spec;
    return source;
  }
  return OpenFileSource(spec, task);
}

}  // namespace hallmark
