#include "verify/diff/fields/first_difference.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace hallmark {

Result<std::optional<std::uint64_t>> FirstDifference(const BlockSource& a, const BlockSource& b,
                                                     const Task& task) {
  constexpr std::uint64_t kBlock = std::uint64_t{1} << 20;
  const std::uint64_t common = std::min(a.Size(), b.Size());
  const auto most = static_cast<std::size_t>(std::min(kBlock, common));
  std::vector<std::byte> block_a(most), block_b(most);
  for (std::uint64_t at = 0; at < common; at += kBlock) {
    HM_TRY(task.CheckStopped());
    const auto size = static_cast<std::size_t>(std::min(kBlock, common - at));
    const MutableByteSpan in_a(block_a.data(), size);
    const MutableByteSpan in_b(block_b.data(), size);
    HM_TRY(a.Read(at, in_a));
    HM_TRY(b.Read(at, in_b));
    const auto first = std::ranges::mismatch(in_a, in_b).in1;
    if (first != in_a.end()) {
      return std::optional(at + static_cast<std::uint64_t>(first - in_a.begin()));
    }
  }
  if (a.Size() != b.Size()) return std::optional(common);
  return std::optional<std::uint64_t>();
}

}  // namespace hallmark
