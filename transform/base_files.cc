#include "transform/base_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/hash/hash_sources.h"
#include "transform/model_files.h"

namespace hallmark {

Result<std::vector<TreeNode>> TreeRootsOf(std::span<const std::shared_ptr<const File>> files,
                                          const Task& task) {
  std::vector<HashRequest> requests;
  for (const std::shared_ptr<const File>& file : files) {
    requests.push_back({.source = file.get(), .algorithms = {Algorithm::kTree}});
  }
  std::vector<TreeNode> roots(files.size());
  const auto on_hashed = [&](std::size_t i, Result<HashOutcome> outcome) -> Result<void> {
    if (!outcome) return std::move(outcome).error();
    std::ranges::copy(outcome->digests.front().Bytes(), roots[i].begin());
    return files[i]->CheckUnchanged();
  };
  HM_TRY(HashSources(requests, task, on_hashed));
  HM_TRY(task.CheckStopped());
  return roots;
}

Result<BaseFiles> OpenBaseFiles(std::span<const OriginalFile> wanted,
                                const std::filesystem::path& path, const Task& task) {
  const ModelFiles base = HM_TRY(OpenModelFilesOrArchive(path));
  BaseFiles files;
  const auto other = [&](std::size_t i, std::string message) {
    return Error{Errc::kUntrusted, base.folder->NameOf(wanted[i].path), std::move(message),
                 std::nullopt, "give the very model that it was packed against"};
  };
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    files.push_back(HM_TRY(base.folder->Open(wanted[i].path)));
    if (files[i]->Size() != wanted[i].size) {
      return other(i, fmt::format("this is another base: {} bytes, {} were packed against",
                                  files[i]->Size(), wanted[i].size));
    }
  }
  const std::vector<TreeNode> roots = HM_TRY(TreeRootsOf(files, task));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (roots[i] == wanted[i].root) continue;
    return other(i, fmt::format("this is another base: its tree is {}, {} was packed against",
                                ToHex(roots[i]), ToHex(wanted[i].root)));
  }
  return files;
}

}  // namespace hallmark
