#include "verify/copy.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <system_error>
#include <utility>

#include "src/hash/hash_files.h"
#include "verify/file_headers.h"
#include "verify/resume.h"
#include "verify/sources/store.h"
#include "weights/model_sets.h"

namespace hallmark {

std::optional<Digest> CopyFile::Find(Algorithm algorithm) const {
  if (!outcome) return std::nullopt;
  for (const Digest& digest : outcome->digests) {
    if (digest.GetAlgorithm() == algorithm) return digest;
  }
  return std::nullopt;
}

Result<Copy> Copy::List(std::filesystem::path path) {
  Copy copy;
  if (auto stored = HM_TRY(OpenStoredModel(path))) {
    copy.listing_ = std::move(stored->listing);
    copy.own_manifest_ = std::move(stored->source);
  } else {
    copy.listing_ = HM_TRY(ListModelFiles(path));
    copy.is_one_file_ = std::filesystem::is_regular_file(path) &&
                        path.filename().string() == copy.listing_.files.front().path &&
                        copy.listing_.files.size() == 1;
  }
  copy.path_ = std::move(path);
  copy.files_.resize(copy.listing_.files.size());
  return copy;
}

Result<Copy> Copy::InFolder(std::filesystem::path path, std::shared_ptr<const Folder> folder) {
  Copy copy;
  copy.listing_ = HM_TRY(folder->List());
  copy.folder_ = std::move(folder);
  copy.path_ = std::move(path);
  copy.files_.resize(copy.listing_.files.size());
  return copy;
}

Result<std::vector<Finding>> Copy::ReadHeaders(const std::function<bool(std::size_t index)>& tells,
                                               const Task& task) {
  const auto folder =
      folder_ != nullptr
          ? folder_
          : FolderOnDisk(std::filesystem::is_directory(path_) ? path_ : path_.parent_path());
  std::vector<HeaderReading> readings = HM_TRY(ReadFileHeaders(*folder, listing_, task));
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < Size(); ++i) {
    files_[i].holds_weights = readings[i].holds_weights;
    if (tells(i)) std::ranges::move(readings[i].findings, std::back_inserter(findings));
  }
  return findings;
}

std::vector<std::size_t> Copy::FindOriginals() const {
  std::vector<std::size_t> original(Size());
  std::iota(original.begin(), original.end(), std::size_t{0});
  const auto& entries = listing_.files;
  if (std::ranges::none_of(entries, &DirectoryEntry::is_link)) return original;
  std::map<std::filesystem::path, std::size_t> first;
  for (std::size_t i = 0; i < Size(); ++i) {
    std::error_code code;
    const std::filesystem::path real = std::filesystem::canonical(entries[i].full_path, code);
    if (!code) original[i] = first.try_emplace(real, i).first->second;
  }
  return original;
}

Result<Copy::Hashed> Copy::Hash(const ResumeOptions& resume, DigestCache* cache,
                                const std::function<Result<void>(std::size_t index)>& on_hashed,
                                const Task& task) {
  if (folder_ != nullptr) return HashInFolder(on_hashed, task);
  const std::vector<std::size_t> original = FindOriginals();
  for (std::size_t i = 0; i < Size(); ++i) {
    files_[original[i]].wanted.insert(files_[i].wanted.begin(), files_[i].wanted.end());
  }
  std::vector<std::size_t> todo;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Size(); ++i) {
    if (files_[i].wanted.empty() || original[i] != i) continue;
    todo.push_back(i);
    total += Entry(i).size;
  }
  task.Begin("hashing", total, todo.size());

  std::optional<VerifyJournal> journal;
  if (!resume.state_folder.empty() && total >= resume.above) {
    // Without a journal the work is done all the same; it only cannot be resumed.
    if (auto opened = VerifyJournal::Open(resume.state_folder, path_, resume.part)) {
      journal.emplace(*std::move(opened));
    }
  }
  std::vector<FileToHash> requests;
  std::vector<std::size_t> index;
  for (const std::size_t i : todo) {
    const DirectoryEntry& entry = Entry(i);
    const std::vector<Algorithm> algorithms(files_[i].wanted.begin(), files_[i].wanted.end());
    if (journal) {
      const auto file = OpenFile(entry.full_path);
      const HashOutcome* known =
          file ? journal->Recall(entry.path, (*file)->Stamp(), algorithms) : nullptr;
      if (known != nullptr) {
        files_[i].outcome = *known;
        files_[i].stamp = (*file)->Stamp();
        files_[i].remembered = true;
        task.Advance(entry.size);
        task.FileDone(entry.path);
        HM_TRY(on_hashed(i));
        continue;
      }
    }
    requests.push_back({entry.full_path, algorithms, entry.path});
    index.push_back(i);
  }

  Hashed hashed;
  const auto take = [&](std::size_t r, Result<HashedFile> file) -> Result<void> {
    CopyFile& own = files_[index[r]];
    if (!file) {
      own.error = std::move(file).error();
      return {};
    }
    own.remembered = !file->remembered_from.empty();
    if (own.remembered) {
      hashed.remembered.Add({1, file->stamp.size, file->remembered_from});
    } else {
      if (journal) journal->Remember(Entry(index[r]).path, file->stamp, file->outcome);
      ++hashed.files;
      hashed.bytes += file->stamp.size;
    }
    own.stamp = file->stamp;
    own.outcome = std::move(file->outcome);
    own.remembered_from = std::move(file->remembered_from);
    return on_hashed(index[r]);
  };
  HM_TRY(HashFiles(requests, task, take, cache));
  if (journal) journal->Discard();
  for (std::size_t i = 0; i < Size(); ++i) {
    if (original[i] == i || files_[i].wanted.empty()) continue;
    files_[i].outcome = files_[original[i]].outcome;
    files_[i].stamp = files_[original[i]].stamp;
    files_[i].error = files_[original[i]].error;
    files_[i].remembered = files_[original[i]].remembered;
    files_[i].remembered_from = files_[original[i]].remembered_from;
  }
  return hashed;
}

Result<Copy::Hashed> Copy::HashInFolder(
    const std::function<Result<void>(std::size_t index)>& on_hashed, const Task& task) {
  std::vector<std::unique_ptr<hallmark::File>> opened;
  std::vector<HashRequest> requests;
  std::vector<std::size_t> index;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Size(); ++i) {
    if (files_[i].wanted.empty()) continue;
    opened.push_back(HM_TRY(folder_->Open(Entry(i).path)));
    requests.push_back(
        {opened.back().get(), {files_[i].wanted.begin(), files_[i].wanted.end()}, Entry(i).path});
    index.push_back(i);
    total += Entry(i).size;
  }
  task.Begin("hashing", total, requests.size());
  Hashed hashed;
  HM_TRY(
      HashSources(requests, task, [&](std::size_t r, Result<HashOutcome> outcome) -> Result<void> {
        CopyFile& own = files_[index[r]];
        if (!outcome) {
          own.error = std::move(outcome).error();
          return {};
        }
        ++hashed.files;
        hashed.bytes += Entry(index[r]).size;
        own.outcome = *std::move(outcome);
        return on_hashed(index[r]);
      }));
  return hashed;
}

}  // namespace hallmark
