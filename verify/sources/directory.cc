// Another copy as a source: a directory, an index with its shards, or one file.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "verify/sources/dialects.h"
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

// What a git-lfs pointer that stands in a file's place says of the file.
std::optional<ListedFile> ReadPointer(const DirectoryEntry& entry) {
  constexpr std::uint64_t kLongestPointer = 1023;
  if (entry.size > kLongestPointer) return std::nullopt;
  const auto file = OpenFile(entry.full_path);
  if (!file) return std::nullopt;
  const Result<std::string> text = ReadWholeFile(**file, kLongestPointer);
  if (!text || !kLfsPointerDialect.sniff(*text, entry.path)) return std::nullopt;
  const Result<Source> pointer = kLfsPointerDialect.parse(*text, entry.path);
  if (!pointer || pointer->files.size() != 1) return std::nullopt;
  return pointer->files.front();
}

}  // namespace

Result<Source> SourceFromCopy(const fs::path& path, const Task& task) {
  DirectoryListing listing = HM_TRY(ListModelFiles(path));
  for (const Finding& finding : listing.findings) {
    if (finding.code != kMissingShard) continue;
    return Error{Errc::kNotFound, (path.parent_path() / finding.subject).string(), finding.message};
  }
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
  std::vector<std::size_t> index;  // into source.files
  std::uint64_t pointers = 0;
  for (const DirectoryEntry& entry : listing.files) {
    ListedFile& listed = source.files.emplace_back();
    listed.path = entry.path;
    listed.size = entry.size;
    if (const auto pointed = ReadPointer(entry)) {
      ++pointers;
      listed.size = pointed->size;
      listed.digests = pointed->digests;
      continue;
    }
    total += entry.size;
    files.push_back({entry.full_path, {Algorithm::kSha256}, entry.path});
    index.push_back(source.files.size() - 1);
  }
  if (pointers > 0) {
    source.findings.push_back(
        {Severity::kNote, "lfs-pointers", source.name,
         fmt::format("{} there only as {}, which say size and sha256",
                     pointers == 1 ? "1 file is" : fmt::format("{} files are", pointers),
                     pointers == 1 ? "a git-lfs pointer" : "git-lfs pointers")});
  }
  task.Begin("hashing the other copy", total, files.size());
  HM_TRY(HashFiles(files, task, [&](std::size_t f, Result<HashedFile> hashed) -> Result<void> {
    ListedFile& listed = source.files[index[f]];
    if (hashed) {
      listed.size = hashed->stamp.size;
      listed.digests.push_back({hashed->outcome.digests[0]});
    } else {
      const Error& error = hashed.error();
      source.findings.push_back(
          {Severity::kWarning, "unreadable", listed.path, error.message, error.offset});
    }
    return {};
  }));
  return source;
}

}  // namespace hallmark
