#include "verify/signatures/oms_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "src/base/text.h"
#include "src/hash/hash_sources.h"
#include "src/io/directory.h"
#include "src/io/file.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

// `path` is `ignored` or lies below it.
bool IsBelow(std::string_view path, std::string_view ignored) {
  return path.starts_with(ignored) &&
         (path.size() == ignored.size() || path[ignored.size()] == '/');
}

bool IsIgnored(std::string_view path, const OmsHashing& hashing) {
  const auto below = [&](std::string_view ignored) { return IsBelow(path, ignored); };
  return std::ranges::any_of(kOmsDefaultIgnored, below) ||
         std::ranges::any_of(hashing.ignored_paths, below);
}

// What is not signed has to be left out by name, not by accident.
Result<void> CheckAllListed(const DirectoryListing& listing, const OmsHashing& hashing) {
  for (const Finding& finding : listing.findings) {
    if (finding.severity == Severity::kNote || IsIgnored(finding.subject, hashing)) continue;
    return Error{Errc::kIo, finding.subject, finding.message, std::nullopt,
                 "--ignore leaves it out of what is signed"};
  }
  return {};
}

// The stretches of a file that have a digest of their own.
std::vector<ByteRange> ShardsOf(std::uint64_t size, std::uint64_t shard_bytes) {
  if (shard_bytes == 0) return {{0, size}};
  std::vector<ByteRange> shards;
  for (std::uint64_t at = 0; at < size; at += shard_bytes) {
    shards.push_back({at, std::min(shard_bytes, size - at)});
  }
  return shards;
}

}  // namespace

Result<OmsModel> OmsModelOf(const Manifest& manifest, std::string name, Algorithm hash) {
  OmsModel model;
  model.name = std::move(name);
  model.hash = hash;
  for (const ManifestFile& file : manifest.files) {
    const auto digest = std::ranges::find(file.digests, hash, &Digest::GetAlgorithm);
    if (digest == file.digests.end()) {
      return Error{Errc::kUsage, file.path,
                   fmt::format("the manifest has no {} of it", InfoOf(hash).name), std::nullopt,
                   "hallmark hash --format manifest --algo takes further digests"};
    }
    const auto below = [&](std::string_view ignored) { return IsBelow(file.path, ignored); };
    if (std::ranges::any_of(kOmsDefaultIgnored, below)) continue;
    model.files.push_back({file.path, file.size, {*digest}});
  }
  model.ignored_paths.assign(kOmsDefaultIgnored.begin(), kOmsDefaultIgnored.end());
  return model;
}

Result<OmsModel> HashOmsModel(const fs::path& path, const OmsHashing& hashing, const Task& task) {
  std::error_code code;
  OmsModel model;
  model.is_one_file = !fs::is_directory(path, code);
  const fs::path whole = fs::absolute(path, code).lexically_normal();
  model.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  model.hash = hashing.hash;
  model.shard_bytes = hashing.shard_bytes;
  if (!model.is_one_file) {
    model.ignored_paths.assign(kOmsDefaultIgnored.begin(), kOmsDefaultIgnored.end());
    std::ranges::copy(hashing.ignored_paths, std::back_inserter(model.ignored_paths));
  }
  const DirectoryListing listing = HM_TRY(ListFiles(path));
  HM_TRY(CheckAllListed(listing, hashing));
  std::vector<std::shared_ptr<File>> files;
  std::vector<FileWindow> windows;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each window: file, digest
  std::uint64_t bytes = 0;
  for (const DirectoryEntry& entry : listing.files) {
    if (!model.is_one_file && IsIgnored(entry.path, hashing)) continue;
    files.push_back(HM_TRY(OpenFile(entry.full_path)));
    model.allow_links |= entry.is_link;
    bytes += files.back()->Size();
    OmsFile& file = model.files.emplace_back(OmsFile{entry.path, files.back()->Size()});
    for (const ByteRange& shard : ShardsOf(file.size, hashing.shard_bytes)) {
      places.emplace_back(model.files.size() - 1, file.digests.size());
      file.digests.push_back(
          Digest(hashing.hash, std::vector<std::byte>(InfoOf(hashing.hash).digest_bytes)));
      windows.emplace_back(files.back(), shard, entry.path);
    }
  }
  if (model.files.empty()) {
    return Error{Errc::kUsage, path.string(), "there is no file to sign"};
  }
  std::vector<HashRequest> requests;
  for (const FileWindow& window : windows) {
    requests.push_back({&window, {hashing.hash}, window.Name()});
  }
  task.Begin("hashing", bytes, requests.size());
  HM_TRY(
      HashSources(requests, task, [&](std::size_t i, Result<HashOutcome> outcome) -> Result<void> {
        const HashOutcome hashed = HM_TRY(std::move(outcome));
        model.files[places[i].first].digests[places[i].second] = hashed.digests[0];
        return {};
      }));
  for (const auto& file : files) HM_TRY(file->CheckUnchanged());
  return model;
}

}  // namespace hallmark
