#include "weights/equal_bytes.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "weights/scratch.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kSpan = 4 * 1024 * 1024;  // what a thread takes at once
constexpr std::uint64_t kPiece = 256 * 1024;      // two fit into half of a core's cache

Result<void> CompareSpan(const BytesPair& pair, std::uint64_t begin, std::uint64_t end,
                         std::atomic<bool>* differs, const Task& task) {
  Scratch scratch_a, scratch_b;
  for (std::uint64_t at = begin; at < end; at += kPiece) {
    HM_TRY(task.CheckStopped());
    const std::uint64_t size = std::min(kPiece, end - at);
    if (!*differs) {
      const MutableByteSpan a = scratch_a.First(size), b = scratch_b.First(size);
      HM_TRY(pair.a->Read(at, a));
      HM_TRY(pair.b->Read(at, b));
      if (std::memcmp(a.data(), b.data(), size) != 0) *differs = true;
    }
    task.Advance(size);
  }
  return {};
}

}  // namespace

Result<std::vector<bool>> FindEqual(std::span<const BytesPair> pairs, const Task& task) {
  const auto differs = std::make_unique<std::atomic<bool>[]>(pairs.size());
  std::vector<std::uint64_t> first_item = {0};
  for (const BytesPair& pair : pairs) {
    HM_CHECK(pair.a->Size() == pair.b->Size());
    const std::uint64_t spans = pair.a->Size() / kSpan + (pair.a->Size() % kSpan != 0 ? 1 : 0);
    first_item.push_back(first_item.back() +
                         (pair.random_access ? spans : std::min<std::uint64_t>(spans, 1)));
  }
  HM_TRY(ParallelFor(task, first_item.back(), [&](std::uint64_t item) {
    const auto after = std::ranges::upper_bound(first_item, item);
    const auto i = static_cast<std::size_t>(after - first_item.begin()) - 1;
    const BytesPair& pair = pairs[i];
    const std::uint64_t begin = (item - first_item[i]) * kSpan;
    const std::uint64_t end =
        pair.random_access ? std::min(begin + kSpan, pair.a->Size()) : pair.a->Size();
    return CompareSpan(pair, begin, end, &differs[i], task);
  }));
  std::vector<bool> equal;
  for (std::size_t i = 0; i < pairs.size(); ++i) equal.push_back(!differs[i]);
  return equal;
}

}  // namespace hallmark
