#include "formats/strided.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "formats/row_major.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxDimensions = 64;
constexpr std::uint64_t kWindowBytes = 256 * 1024;
constexpr std::uint64_t kBlockBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxBlocks = 8;

std::uint64_t CountItems(const Shape& sizes) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : sizes) count *= size;
  return count;
}

// Reads a storage at mostly ascending places through one buffer.
class Window {
 public:
  Window(const BlockSource& source, std::uint64_t reach) : source_(source), reach_(reach) {}

  Result<const std::byte*> At(std::uint64_t offset, std::uint64_t size) {
    if (offset < begin_ || offset + size > begin_ + bytes_.size()) {
      bytes_.resize(std::max(size, std::min(reach_, source_.Size() - offset)));
      begin_ = offset;
      if (Result<void> read = source_.Read(offset, bytes_); !read) {
        bytes_.clear();
        return std::move(read).error();
      }
    }
    return bytes_.data() + (offset - begin_);
  }

 private:
  const BlockSource& source_;
  std::uint64_t reach_;
  std::uint64_t begin_ = 0;
  std::vector<std::byte> bytes_;
};

// One dimension of a box being copied; strides in bytes.
struct Axis {
  std::uint64_t size;
  std::uint64_t from;  // stride in the storage
  std::uint64_t to;    // stride in the output
};

template <std::size_t kItem>
void CopyItems(const std::byte* from, std::uint64_t from_stride, std::byte* to,
               std::uint64_t to_stride, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * to_stride, from + i * from_stride, kItem);
  }
}

void CopyRun(std::uint32_t item, const std::byte* from, std::uint64_t from_stride, std::byte* to,
             std::uint64_t to_stride, std::uint64_t count) {
  if (from_stride == item && to_stride == item) {
    std::memcpy(to, from, count * item);
    return;
  }
  switch (item) {
    case 1:
      return CopyItems<1>(from, from_stride, to, to_stride, count);
    case 2:
      return CopyItems<2>(from, from_stride, to, to_stride, count);
    case 4:
      return CopyItems<4>(from, from_stride, to, to_stride, count);
    case 8:
      return CopyItems<8>(from, from_stride, to, to_stride, count);
    default:
      return CopyItems<16>(from, from_stride, to, to_stride, count);
  }
}

// Copies a box of items whose first lies at byte `start` of the storage, walking the storage
// forward: the axis of the largest stride outermost, whatever the order of the output.
Result<void> CopyBox(const BlockSource& storage, std::vector<Axis> axes, std::uint64_t start,
                     std::uint32_t item, std::byte* out) {
  std::erase_if(axes, [](const Axis& axis) { return axis.size == 1; });
  std::stable_sort(axes.begin(), axes.end(),
                   [](const Axis& a, const Axis& b) { return a.from > b.from; });
  Axis inner{1, item, item};
  if (!axes.empty()) {
    inner = axes.back();
    axes.pop_back();
  }
  // Far jumps between runs: read the runs only. Near ones: read on through the gaps.
  const std::uint64_t run = (inner.size - 1) * inner.from + item;
  const bool far = !axes.empty() && axes.back().from > run + 32 * 1024;
  const bool far_items = inner.from > 32 * 1024;
  Window window(storage, far_items ? item : far ? std::min(run, kWindowBytes) : kWindowBytes);
  const std::uint64_t per_piece =
      inner.from == 0 ? inner.size : std::max<std::uint64_t>(1, kWindowBytes / inner.from);

  std::vector<std::uint64_t> at(axes.size(), 0);
  std::uint64_t from = start;
  std::uint64_t to = 0;
  while (true) {
    for (std::uint64_t done = 0; done < inner.size;) {
      const std::uint64_t count = std::min(inner.size - done, per_piece);
      const std::byte* bytes =
          HM_TRY(window.At(from + done * inner.from, (count - 1) * inner.from + item));
      CopyRun(item, bytes, inner.from, out + to + done * inner.to, inner.to, count);
      done += count;
    }
    std::size_t axis = axes.size();
    while (axis > 0) {
      --axis;
      from += axes[axis].from;
      to += axes[axis].to;
      if (++at[axis] < axes[axis].size) break;
      from -= axes[axis].from * axes[axis].size;
      to -= axes[axis].to * axes[axis].size;
      at[axis] = 0;
      if (axis == 0) return {};
    }
    if (axes.empty()) return {};
  }
}

}  // namespace

std::optional<ItemRange> TouchedItems(const StridedView& view) {
  if (view.sizes.size() > kMaxDimensions || view.sizes.size() != view.strides.size()) {
    return std::nullopt;
  }
  if (std::find(view.sizes.begin(), view.sizes.end(), 0u) != view.sizes.end()) return ItemRange{};
  std::uint64_t last = view.offset;
  for (std::size_t i = 0; i < view.sizes.size(); ++i) {
    const auto reach = CheckedMul(view.sizes[i] - 1, view.strides[i]);
    const auto sum = reach ? CheckedAdd(last, *reach) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  const auto end = CheckedAdd(last, 1);
  if (!end) return std::nullopt;
  return ItemRange{view.offset, *end};
}

bool IsContiguous(const StridedView& view) {
  if (std::find(view.sizes.begin(), view.sizes.end(), 0u) != view.sizes.end()) return true;
  std::uint64_t expected = 1;
  for (std::size_t i = view.sizes.size(); i-- > 0;) {
    if (view.sizes[i] == 1) continue;
    if (view.strides[i] != expected) return false;
    expected *= view.sizes[i];
  }
  return true;
}

Result<void> Gather(const BlockSource& storage, const StridedView& view, std::uint64_t first,
                    MutableByteSpan out) {
  const std::uint32_t item = view.item_bytes;
  while (!out.empty()) {
    const RowMajorBox box = RowMajorBoxAt(view.sizes, first, out.size() / item);
    std::vector<Axis> axes;
    std::uint64_t start = view.offset;
    std::uint64_t to = item;
    for (std::size_t i = view.sizes.size(); i-- > 0;) {
      start += box.start[i] * view.strides[i];
      if (i < box.axis) continue;
      const std::uint64_t size = i == box.axis ? box.extent : view.sizes[i];
      axes.push_back({size, view.strides[i] * item, to});
      to *= size;
    }
    // Of equal strides the inner dimension comes last.
    std::reverse(axes.begin(), axes.end());
    HM_TRY(CopyBox(storage, std::move(axes), start * item, item, out.data()));
    out = out.subspan(box.items * item);
    first += box.items;
  }
  return {};
}

Result<std::shared_ptr<const GatherCache::Block>> GatherCache::Find(std::uint64_t id,
                                                                    const BlockSource& storage,
                                                                    const StridedView& view,
                                                                    std::uint64_t item) {
  const std::lock_guard lock(mutex_);
  const auto holds = [&](const std::shared_ptr<const Block>& block) {
    return block->id == id && item >= block->first &&
           item - block->first < block->bytes.size() / view.item_bytes;
  };
  if (const auto found = std::find_if(blocks_.begin(), blocks_.end(), holds);
      found != blocks_.end()) {
    blocks_.splice(blocks_.begin(), blocks_, found);
    return blocks_.front();
  }
  const std::uint64_t per_block = kBlockBytes / view.item_bytes;
  const std::uint64_t first = item / per_block * per_block;
  const std::uint64_t count = std::min(per_block, CountItems(view.sizes) - first);
  auto block = std::make_shared<Block>();
  block->id = id;
  block->first = first;
  block->bytes.resize(count * view.item_bytes);
  HM_TRY(Gather(storage, view, first, block->bytes));
  blocks_.push_front(std::move(block));
  if (blocks_.size() > kMaxBlocks) blocks_.pop_back();
  return blocks_.front();
}

Result<void> GatherCache::Read(std::uint64_t id, const BlockSource& storage,
                               const StridedView& view, std::uint64_t first, MutableByteSpan out) {
  while (!out.empty()) {
    const std::shared_ptr<const Block> block = HM_TRY(Find(id, storage, view, first));
    const std::uint64_t skip = (first - block->first) * view.item_bytes;
    const std::size_t size = std::min<std::uint64_t>(out.size(), block->bytes.size() - skip);
    std::memcpy(out.data(), block->bytes.data() + skip, size);
    out = out.subspan(size);
    first += size / view.item_bytes;
  }
  return {};
}

}  // namespace hallmark
