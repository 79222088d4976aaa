// The checksum lists that lie in, below or beside a copy, with their paths rebased to it.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <system_error>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "verify/sources/lines.h"
#include "verify/sources/source.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxSourceBytes = 100'000'000;  // of a manifest; lists may be less

// Typical names of lists; content decides what they are.
bool IsNamedLikeAList(std::string_view file_name) {
  const std::string name = AsciiLower(file_name);
  for (const std::string_view suffix :
       {".chk", ".sfv", ".hallmark.json", ".torrent", ".meta4", ".metalink", ".sigstore.json"}) {
    if (name.ends_with(suffix)) return true;
  }
  if (!NameOfHashedFile(name).empty() || name == "model.sig" || name == "sha256.sig") return true;
  if (name.ends_with(".json")) {
    return name.find("manifest") != std::string::npos || name.find("hallmark") != std::string::npos;
  }
  // A signature of a list is none, and neither is a script that makes one.
  const std::string extension = fs::path(name).extension().string();
  if (extension != "" && extension != ".txt" && extension != ".asc" && extension != ".list") {
    return false;
  }
  for (const std::string_view part : {"md5sum", "sha1sum", "sha256sum", "sha512sum", "shasum",
                                      "b2sum", "b3sum", "checksum", "checklist", "hashdeep"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

// Gives every file of `source` the path that `rebase` says; those it gives none are left out.
void Rebase(Source& source,
            const std::function<std::optional<std::string>(const std::string&)>& rebase) {
  std::vector<ListedFile> files;
  std::vector<std::optional<std::size_t>> moved(source.files.size());
  bool is_whole = true;  // and its paths are what they were
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    auto path = rebase(source.files[i].path);
    is_whole = is_whole && path == source.files[i].path;
    if (!path) continue;
    source.files[i].path = std::move(*path);
    moved[i] = files.size();
    files.push_back(std::move(source.files[i]));
  }
  source.files = std::move(files);
  if (!is_whole) source.oms.reset();  // it says nothing of the folder above, or of one file alone
  for (PieceList& list : source.pieces) {
    for (PieceSpan& span : list.spans) {
      if (span.holder != PieceSpan::Holder::kFile) continue;
      if (!moved[span.file]) span.holder = PieceSpan::Holder::kElsewhere;
      span.file = moved[span.file].value_or(0);
    }
  }
  std::erase_if(source.tensors, [&](const ListedTensor& tensor) { return !moved[tensor.file]; });
  for (ListedTensor& tensor : source.tensors) tensor.file = *moved[tensor.file];
  if (!source.manifest) return;
  for (ManifestFile& file : source.manifest->files) {
    if (auto path = rebase(file.path)) file.path = std::move(*path);
  }
  for (ManifestTensor& tensor : source.manifest->tensors) {
    for (ManifestTensor::Place& place : tensor.places) {
      if (auto path = rebase(place.file)) place.file = std::move(*path);
    }
  }
}

class Search {
 public:
  Search(const fs::path& copy, const Task& task) : copy_(copy), task_(task) {}

  Result<SourcesAround> Run() {
    const DirectoryListing listing = HM_TRY(ListFiles(copy_));
    std::error_code code;
    is_file_ = fs::is_regular_file(copy_, code);
    fs::path whole = fs::absolute(copy_, code).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();  // "dir/"
    name_ = whole.filename().string();
    for (const DirectoryEntry& entry : listing.files) paths_.insert(entry.path);
    if (!is_file_) {
      for (const DirectoryEntry& entry : listing.files) {
        HM_TRY(task_.CheckStopped());
        AddInside(entry);
      }
    }
    AddBeside(whole.parent_path());
    return std::move(found_);
  }

 private:
  // Reads `path` if it is named like a list and is one.
  std::optional<Source> Read(const fs::path& path, std::uint64_t size) {
    const bool may_be = IsNamedLikeAList(path.filename().string()) || IsSigned(path);
    if (!may_be || size > kMaxSourceBytes) return std::nullopt;
    const auto read = [&]() -> Result<Source> {
      const auto file = HM_TRY(OpenFile(path));
      return ParseSource(HM_TRY(ReadWholeFile(*file, kMaxSourceBytes)), path.string());
    };
    auto source = read();
    if (!source) {
      // Many things are called manifest.json.
      if (source.error().code != Errc::kUnsupported) {
        found_.findings.push_back({Severity::kWarning, "unusable-list", path.string(),
                                   source.error().message, source.error().offset});
      }
      return std::nullopt;
    }
    source->file = path;
    return *std::move(source);
  }

  // JSON with a signature beside it is most likely a manifest.
  static bool IsSigned(const fs::path& path) {
    if (path.extension() != ".json") return false;
    std::error_code code;
    return fs::is_regular_file(path.string() + ".sig", code) ||
           fs::is_regular_file(path.string() + ".minisig", code);
  }

  std::size_t CountPresent(const Source& source, const std::string& prefix) const {
    return static_cast<std::size_t>(
        std::count_if(source.files.begin(), source.files.end(), [&](const ListedFile& file) {
          return !file.path.empty() && paths_.contains(prefix + file.path);
        }));
  }

  // A list below the copy names files beside itself, or files of the whole copy.
  void AddInside(const DirectoryEntry& entry) {
    auto source = Read(entry.full_path, entry.size);
    if (!source) return;
    const std::string folder = entry.path.substr(0, entry.path.find_last_of('/') + 1);
    const bool of_whole_copy = CountPresent(*source, "") > CountPresent(*source, folder);
    Rebase(*source, [&](const std::string& path) -> std::optional<std::string> {
      if (path.empty()) return std::nullopt;  // a digest that doesn't say of which file
      return of_whole_copy ? path : folder + path;
    });
    if (source->files.empty()) return;
    source->inside_copy = true;
    found_.sources.push_back(*std::move(source));
  }

  void AddBeside(const fs::path& folder) {
    std::error_code code;
    std::vector<fs::path> lists;
    fs::directory_iterator entries(folder, code);
    for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
      std::error_code ignored;
      if (fs::is_regular_file(entries->path(), ignored)) lists.push_back(entries->path());
    }
    std::sort(lists.begin(), lists.end());
    for (const fs::path& path : lists) {
      if (is_file_ && path.filename().string() == name_) continue;
      std::error_code ignored;
      auto source = Read(path, fs::file_size(path, ignored));
      if (!source) continue;
      if (is_file_) {
        KeepOneFile(*source);
      } else {
        KeepBelow(*source, folder);
      }
      if (!source->files.empty()) found_.sources.push_back(*std::move(source));
    }
  }

  // The copy is one file; what a list beside it says about others doesn't matter here.
  void KeepOneFile(Source& source) const {
    Rebase(source, [&](const std::string& path) -> std::optional<std::string> {
      return path == name_ ? std::optional(path) : std::nullopt;
    });
    source.inside_copy = true;  // it lies where the copy lies, and most likely came with it
    source.complete = true;     // there is nothing else to be listed
  }

  // A list beside a directory names the directory's files as "name/file". Lists with bare names are
  // about it if none of those files lie beside the list but some lie in the copy.
  void KeepBelow(Source& source, const fs::path& folder) const {
    const std::string prefix = name_ + "/";
    const bool prefixed =
        std::any_of(source.files.begin(), source.files.end(),
                    [&](const ListedFile& file) { return file.path.starts_with(prefix); });
    const bool of_neighbours =
        std::any_of(source.files.begin(), source.files.end(), [&](const ListedFile& file) {
          std::error_code ignored;
          return !file.path.empty() && fs::exists(folder / file.path, ignored);
        });
    const bool bare = !prefixed && !of_neighbours && CountPresent(source, "") > 0;
    Rebase(source, [&](const std::string& path) -> std::optional<std::string> {
      if (bare) return path;
      if (!path.starts_with(prefix)) return std::nullopt;
      return path.substr(prefix.size());
    });
  }

  const fs::path copy_;
  const Task& task_;
  bool is_file_ = false;
  std::string name_;  // of the copy, without its folder
  std::set<std::string, std::less<>> paths_;
  SourcesAround found_;
};

}  // namespace

Result<SourcesAround> FindSourcesAround(const fs::path& copy, const Task& task) {
  return Search(copy, task).Run();
}

}  // namespace hallmark
