#include "src/hash/hash_files.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace hallmark {
namespace {

constexpr std::size_t kOpenAtOnce = 256;  // well below the usual limit of 1024 descriptors

// The files from `first` on, all open at once; `first` is the index that the caller knows.
Result<void> HashOpened(std::span<const FileToHash> files, std::size_t first, const Task& task,
                        const OnFileHashed& on_hashed, DigestCache* cache) {
  const DigestCache::Time began = std::chrono::system_clock::now();
  std::vector<std::unique_ptr<File>> open;
  std::vector<HashRequest> requests;
  std::vector<std::size_t> index;
  for (std::size_t i = 0; i < files.size(); ++i) {
    Result<std::unique_ptr<File>> file = OpenFile(files[i].path);
    if (!file) {
      HM_TRY(on_hashed(first + i, std::move(file).error()));
      task.FileDone(files[i].name);
      continue;
    }
    auto known =
        cache == nullptr ? std::nullopt : cache->Recall((*file)->Stamp(), files[i].algorithms);
    if (known) {
      task.Advance((*file)->Size());
      task.FileDone(files[i].name);
      HM_TRY(on_hashed(first + i, HashedFile{(*file)->Stamp(), std::move(known->outcome),
                                             std::move(known->date)}));
      continue;
    }
    requests.push_back({file->get(), files[i].algorithms, files[i].name});
    index.push_back(first + i);
    open.push_back(*std::move(file));
  }
  return HashSources(requests, task, [&](std::size_t r, Result<HashOutcome> outcome) {
    if (!outcome) return on_hashed(index[r], std::move(outcome).error());
    if (Result<void> same = open[r]->CheckUnchanged(); !same) {
      return on_hashed(index[r], std::move(same).error());
    }
    if (cache != nullptr) cache->Remember(open[r]->Stamp(), *outcome, began);
    return on_hashed(index[r], HashedFile{open[r]->Stamp(), *std::move(outcome)});
  });
}

}  // namespace

Result<void> HashFiles(std::span<const FileToHash> files, const Task& task,
                       const OnFileHashed& on_hashed, DigestCache* cache) {
  for (std::size_t first = 0; first < files.size(); first += kOpenAtOnce) {
    const std::size_t count = std::min(kOpenAtOnce, files.size() - first);
    HM_TRY(HashOpened(files.subspan(first, count), first, task, on_hashed, cache));
  }
  return {};
}

}  // namespace hallmark
