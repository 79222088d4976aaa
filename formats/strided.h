// A tensor as a view of a storage: sizes, strides, an offset, and row-major bytes out of it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/io/block_source.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// In items of `item_bytes` (1, 2, 4, 8 or 16).
struct StridedView {
  Shape sizes;
  std::vector<std::uint64_t> strides;  // one a size; 0 repeats
  std::uint64_t offset = 0;
  std::uint32_t item_bytes = 1;
};

// The items a view touches, as [first, end) of its storage; {0, 0} if it is empty. nullopt if the
// arithmetic overflows or it has more than 64 dimensions.
struct ItemRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};
std::optional<ItemRange> TouchedItems(const StridedView& view);

// Whether the row-major items lie one after the other in the storage.
bool IsContiguous(const StridedView& view);

// Copies items [first, first + out.size() / item_bytes) of the row-major order into `out`. The view
// must lie within the storage. Reads the storage mostly forward, in windows of at most 256 KiB.
Result<void> Gather(const BlockSource& storage, const StridedView& view, std::uint64_t first,
                    MutableByteSpan out);

// Gathered stretches of tensors, kept for readers that walk a tensor in small steps: gathering a
// transposed matrix row by row would read the whole of it for every row. Holds at most 64 MiB.
// Safe to share between threads; one gathers at a time.
class GatherCache {
 public:
  // As Gather; `id` tells views apart.
  Result<void> Read(std::uint64_t id, const BlockSource& storage, const StridedView& view,
                    std::uint64_t first, MutableByteSpan out);

 private:
  struct Block {
    std::uint64_t id;
    std::uint64_t first;  // item
    std::vector<std::byte> bytes;
  };
  Result<std::shared_ptr<const Block>> Find(std::uint64_t id, const BlockSource& storage,
                                            const StridedView& view, std::uint64_t item);

  std::mutex mutex_;
  std::list<std::shared_ptr<const Block>> blocks_;  // most recently used first
};

}  // namespace hallmark
