#include "verify/sources/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "src/base/text.h"
#include "src/io/file.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxManifestBytes = 1 << 20;
constexpr std::uint64_t kMaxNoteBytes = 4096;

// An ETag of Hugging Face: sha256 of a large file, git's blob id of a small one.
std::optional<Digest> DigestOfTag(std::string_view tag) {
  if (auto digest = Digest::FromHex(Algorithm::kSha256, tag)) return digest;
  return Digest::FromHex(Algorithm::kGitBlob, tag);
}

// blobs/HEX (Hugging Face), blobs/sha256-HEX (Ollama), blobs/sha256/HEX (OCI).
std::optional<Digest> DigestInName(const fs::path& blob) {
  const std::string name = blob.filename().string();
  const fs::path folder = blob.parent_path();
  if (folder.filename() == "blobs") {
    if (name.starts_with("sha256-")) return Digest::FromHex(Algorithm::kSha256, name.substr(7));
    return DigestOfTag(name);
  }
  if (folder.parent_path().filename() != "blobs") return std::nullopt;
  if (folder.filename() == "sha256") return Digest::FromHex(Algorithm::kSha256, name);
  if (folder.filename() == "sha512") return Digest::FromHex(Algorithm::kSha512, name);
  return std::nullopt;
}

Result<std::string> ReadSmall(const fs::path& path, std::uint64_t limit) {
  const auto file = HM_TRY(OpenFile(path));
  return ReadWholeFile(*file, limit);
}

Result<Source> ReadManifest(const fs::path& path) {
  Source source = HM_TRY(ParseSource(HM_TRY(ReadSmall(path, kMaxManifestBytes)), path.string()));
  if (source.dialect != "oci") return Error{Errc::kUnsupported, path.string(), "no OCI manifest"};
  return source;
}

class StoreReader {
 public:
  explicit StoreReader(const DirectoryListing& listing) : listing_(listing) {}

  std::optional<Source> Read(const fs::path& copy) {
    for (const DirectoryEntry& entry : listing_.files) {
      AddByName(entry);
      AddByNote(entry);
      AddByManifest(entry);
    }
    source_.files = files_.Take();
    if (source_.files.empty()) return std::nullopt;
    for (ListedFile& file : source_.files) {
      // A note may be older than what became of its file.
      file.optional = notes_.contains(file.path);
    }
    source_.name = "the names in " + copy.string();
    source_.dialect = "store";
    source_.title = "names in a store";
    source_.inside_copy = true;
    NoteWeakDigests(source_);
    for (Finding& finding : source_.findings) {
      if (finding.subject.empty()) finding.subject = source_.name;
    }
    return std::move(source_);
  }

 private:
  void AddByName(const DirectoryEntry& entry) {
    std::error_code code;
    fs::path blob = fs::absolute(entry.full_path, code).lexically_normal();
    if (entry.is_link) {
      const fs::path target = fs::read_symlink(entry.full_path, code);
      if (code) return;
      blob = (blob.parent_path() / target).lexically_normal();
    }
    if (const auto digest = DigestInName(blob)) Add(entry.path, std::nullopt, *digest);
  }

  // .cache/huggingface/download/PATH.metadata: commit, ETag, time, a line each.
  void AddByNote(const DirectoryEntry& entry) {
    static constexpr std::string_view kFolder = ".cache/huggingface/download/";
    static constexpr std::string_view kSuffix = ".metadata";
    const std::size_t at = entry.path.find(kFolder);
    if (at == std::string::npos || (at > 0 && entry.path[at - 1] != '/') ||
        !entry.path.ends_with(kSuffix) || entry.size > kMaxNoteBytes) {
      return;
    }
    std::string path = entry.path.substr(0, at) + entry.path.substr(at + kFolder.size());
    path.resize(path.size() - kSuffix.size());
    const auto text = ReadSmall(entry.full_path, kMaxNoteBytes);
    if (!text) return;
    const std::size_t line = text->find('\n');
    if (line == std::string::npos) return;
    const std::size_t end = std::min(text->find('\n', line + 1), text->size());
    const auto digest =
        DigestOfTag(TrimAscii(std::string_view(*text).substr(line + 1, end - line - 1)));
    if (!digest || !FindFile(listing_, path)) return;
    Add(path, std::nullopt, *digest);
    notes_.insert(std::move(path));
  }

  // manifests/HOST/NAMESPACE/MODEL/TAG beside blobs/.
  void AddByManifest(const DirectoryEntry& entry) {
    const std::size_t at = ("/" + entry.path).find("/manifests/");
    if (at == std::string::npos || entry.size > kMaxManifestBytes) return;
    const auto manifest = ReadManifest(entry.full_path);
    if (!manifest) return;
    for (const ListedFile& file : manifest->files) {
      const Digest& digest = file.digests[0].digest;
      Add(fmt::format("{}blobs/{}-{}", entry.path.substr(0, at), InfoOf(digest.GetAlgorithm()).name,
                      digest.Hex()),
          file.size, digest);
    }
  }

  void Add(const std::string& path, std::optional<std::uint64_t> size, const Digest& digest) {
    if (const auto added = files_.Add(path, size, digest, 0); !added) {
      source_.findings.push_back(
          {Severity::kWarning, "store-disagrees", path, added.error().message});
    }
  }

  const DirectoryListing& listing_;
  FileCollector files_;
  std::set<std::string> notes_;  // paths that a note is about
  Source source_;
};

// The folder with the blobs of the store that `manifest` lies in, and what stands between
// algorithm and hex digits in their names.
struct BlobFolder {
  fs::path path;
  char separator;
};
std::optional<BlobFolder> FindBlobs(const fs::path& manifest) {
  std::error_code code;
  const fs::path own = fs::absolute(manifest, code).lexically_normal();
  const fs::path blobs = own.parent_path().parent_path();
  if (blobs.filename() == "blobs") return BlobFolder{blobs, '/'};
  for (fs::path folder = own.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (folder.filename() != "manifests") continue;
    const fs::path beside = folder.parent_path() / "blobs";
    if (fs::is_directory(beside, code)) return BlobFolder{beside, '-'};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Source> SourceFromStore(const fs::path& copy, const DirectoryListing& listing) {
  return StoreReader(listing).Read(copy);
}

Result<std::optional<StoredModel>> OpenStoredModel(const fs::path& path) {
  std::error_code code;
  if (!fs::is_regular_file(path, code) || fs::file_size(path, code) > kMaxManifestBytes || code) {
    return std::nullopt;
  }
  const auto blobs = FindBlobs(path);
  if (!blobs) return std::nullopt;
  auto source = ReadManifest(path);
  if (!source) {
    if (source.error().code == Errc::kUnsupported) return std::nullopt;
    return std::move(source).error();
  }
  StoredModel model;
  for (const ListedFile& file : source->files) {
    const Digest& digest = file.digests[0].digest;
    const fs::path blob = blobs->path / fmt::format("{}{}{}", InfoOf(digest.GetAlgorithm()).name,
                                                    blobs->separator, digest.Hex());
    const std::uint64_t size = fs::file_size(blob, code);
    if (!code && fs::is_regular_file(blob, code)) {
      model.listing.files.push_back({file.path, blob, size, fs::is_symlink(blob, code)});
    }
  }
  std::ranges::sort(model.listing.files, NaturalLess, &DirectoryEntry::path);
  source->inside_copy = true;
  model.source = *std::move(source);
  return std::optional(std::move(model));
}

}  // namespace hallmark
