#include "verify/repair/prove.h"

#include <algorithm>
#include <utility>

#include "src/base/checked.h"
#include "src/hash/hash_sources.h"
#include "verify/repair/solve_span.h"

namespace hallmark {

Result<std::vector<char>> WrongSpans(const std::vector<CheckedSpan>& spans,
                                     const std::vector<std::shared_ptr<const BlockSource>>& files,
                                     const std::function<bool(const CheckedSpan&)>& wanted,
                                     const Task& task) {
  std::vector<Offers> offers;
  for (const auto& file : files) {
    offers.emplace_back();
    if (file != nullptr) offers.back().push_back(OfferAll("", file));
  }
  const auto is_there = [&](const CheckedSpan::Segment& segment) {
    return !segment.file ||
           (files[*segment.file] != nullptr && segment.range.End() <= files[*segment.file]->Size());
  };
  std::vector<std::size_t> asked;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (!std::ranges::all_of(spans[i].segments, is_there) || !wanted(spans[i])) continue;
    asked.push_back(i);
    bytes = CheckedAdd(bytes, spans[i].Size()).value_or(UINT64_MAX);
  }
  std::vector<char> wrong(spans.size(), 0);
  if (asked.empty()) return wrong;
  task.Begin("proving mended pieces", bytes, 0);
  HM_TRY(ParallelFor(task, asked.size(), [&](std::uint64_t i) -> Result<void> {
    wrong[asked[i]] = HM_TRY(HasDigest(spans[asked[i]], offers, task)) ? 0 : 1;
    task.Advance(spans[asked[i]].Size());
    return {};
  }));
  return wrong;
}

Result<void> Prove(const RepairProof& proof,
                   const std::vector<std::shared_ptr<const BlockSource>>& files, const Task& task) {
  const std::vector<char> wrong = HM_TRY(WrongSpans(
      proof.spans, files, [](const CheckedSpan&) { return true; }, task));
  if (std::ranges::find(wrong, 1) == wrong.end()) return {};
  return Error{Errc::kIo, "repair", "a donor no longer gives the bytes it gave before",
               std::nullopt,
               "nothing was changed; run the command again once nobody writes to the donors"};
}

Result<HashedContents> HashContents(const std::vector<const PlannedFile*>& files,
                                    const std::vector<std::shared_ptr<const BlockSource>>& bytes,
                                    const Task& task) {
  std::vector<HashRequest> requests;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    HashRequest& request = requests.emplace_back(HashRequest{bytes[i].get(), {}, files[i]->path});
    for (const Digest& digest : files[i]->digests) {
      request.algorithms.push_back(digest.GetAlgorithm());
    }
    request.algorithms.push_back(Algorithm::kTree);
    total = CheckedAdd(total, bytes[i]->Size()).value_or(UINT64_MAX);
  }
  HashedContents hashed{std::vector<bool>(files.size(), false),
                        std::vector<Digest>(files.size(), HashBytes(Algorithm::kTree, {}))};
  task.Begin("hashing mended files", total, files.size());
  HM_TRY(
      HashSources(requests, task, [&](std::size_t i, Result<HashOutcome> outcome) -> Result<void> {
        if (!outcome) return std::move(outcome).error();
        hashed.trees[i] = outcome->digests.back();
        outcome->digests.pop_back();
        hashed.right[i] = outcome->digests == files[i]->digests;
        return {};
      }));
  return hashed;
}

}  // namespace hallmark
