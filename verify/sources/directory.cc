// Another copy as a source: a directory, an index with its shards, or one file.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/io/directory.h"
#include "verify/sources/source.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

// What file managers and download tools leave behind is no part of a release.
bool IsByTheWay(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view known : {".DS_Store", "Thumbs.db", "desktop.ini"}) {
    if (name == known) return true;
  }
  for (const std::string_view suffix : {".aria2", ".part", ".incomplete", ".crdownload"}) {
    if (name.ends_with(suffix)) return true;
  }
  return path.starts_with(".cache/huggingface/") ||
         path.find("/.cache/huggingface/") != std::string_view::npos;
}

// An index and the shards it names, which are all there is to such a copy.
Result<DirectoryListing> ListShards(const fs::path& index) {
  const auto file = HM_TRY(OpenFile(index));
  const ShardIndex shards = HM_TRY(ReadShardIndex(*file));
  const fs::path folder = index.parent_path();
  DirectoryListing listing;
  std::vector<std::string> names = shards.files;
  names.push_back(index.filename().string());
  for (const std::string& name : names) {
    std::error_code code;
    const fs::path path = folder / name;
    const std::uint64_t size = fs::file_size(path, code);
    if (code) return Error{Errc::kNotFound, path.string(), "a shard that the index names"};
    listing.files.push_back({name, path, size, fs::is_symlink(path, code)});
  }
  return listing;
}

Result<DirectoryListing> ListCopy(const fs::path& path) {
  const std::string name = path.filename().string();
  std::error_code code;
  if (name.ends_with(".index.json") && fs::is_regular_file(path, code)) return ListShards(path);
  return ListFiles(path);
}

}  // namespace

Result<Source> SourceFromCopy(const fs::path& path, const Task& task) {
  DirectoryListing listing = HM_TRY(ListCopy(path));
  Source source;
  source.name = path.string();
  source.dialect = "copy";
  source.title = "another copy";
  source.model = path;
  source.findings = std::move(listing.findings);
  const auto by_the_way = std::stable_partition(listing.files.begin(), listing.files.end(),
                                                [](const auto& f) { return !IsByTheWay(f.path); });
  if (const auto count = listing.files.end() - by_the_way; count > 0) {
    source.findings.push_back(
        {Severity::kNote, "left-out", source.name,
         fmt::format("{} left out: of file managers and unfinished downloads",
                     count == 1 ? "1 file" : fmt::format("{} files", count))});
    listing.files.erase(by_the_way, listing.files.end());
  }
  if (listing.files.empty()) {
    return Error{Errc::kNotFound, source.name, "an empty directory is no copy of anything"};
  }
  std::uint64_t total = 0;
  std::vector<FileToHash> files;
  for (const DirectoryEntry& entry : listing.files) {
    total += entry.size;
    ListedFile& listed = source.files.emplace_back();
    listed.path = entry.path;
    listed.size = entry.size;
    files.push_back({entry.full_path, {Algorithm::kSha256}, entry.path});
  }
  task.Begin("hashing the other copy", total, files.size());
  HM_TRY(HashFiles(files, task, [&](std::size_t i, Result<HashedFile> hashed) -> Result<void> {
    if (hashed) {
      source.files[i].size = hashed->stamp.size;
      source.files[i].digests.push_back({hashed->outcome.digests[0], "", {}, 0});
    } else {
      const Error& error = hashed.error();
      source.findings.push_back(
          {Severity::kWarning, "unreadable", listing.files[i].path, error.message, error.offset});
    }
    return {};
  }));
  return source;
}

}  // namespace hallmark
