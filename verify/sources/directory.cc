// Another copy as a source: a directory, an index with its shards, or one file.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "verify/sources/source.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kOpenAtOnce = 256;  // well below the usual limit of 1024 descriptors

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
  const ShardIndex shards = HM_TRY(ReadShardIndex(index));
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
  for (const DirectoryEntry& entry : listing.files) {
    total += entry.size;
    ListedFile listed;
    listed.path = entry.path;
    listed.size = entry.size;
    source.files.push_back(std::move(listed));
  }
  const auto unreadable = [&](std::size_t i, const Error& error) {
    source.findings.push_back(
        {Severity::kWarning, "unreadable", listing.files[i].path, error.message, error.offset});
  };
  task.Begin("hashing the other copy", total, listing.files.size());
  for (std::size_t first = 0; first < listing.files.size(); first += kOpenAtOnce) {
    const std::size_t last = std::min(first + kOpenAtOnce, listing.files.size());
    std::vector<std::unique_ptr<File>> files;
    std::vector<HashRequest> requests;
    std::vector<std::size_t> which;
    for (std::size_t i = first; i < last; ++i) {
      auto file = OpenFile(listing.files[i].full_path);
      if (!file) {
        unreadable(i, file.error());
        continue;
      }
      source.files[i].size = (*file)->Size();
      requests.push_back({file->get(), {Algorithm::kSha256}});
      which.push_back(i);
      files.push_back(*std::move(file));
    }
    HM_TRY(HashSources(requests, task, [&](std::size_t k, Result<HashOutcome> outcome) {
      const std::size_t i = which[k];
      if (outcome) {
        if (auto same = files[k]->CheckUnchanged(); !same) outcome = std::move(same).error();
      }
      if (!outcome) return unreadable(i, outcome.error());
      source.files[i].digests.push_back({outcome->digests[0], "", {}, 0});
      task.FileDone(listing.files[i].path);
    }));
  }
  return source;
}

}  // namespace hallmark
