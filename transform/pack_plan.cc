#include "transform/pack_plan.h"

#include <algorithm>
#include <utility>

#include "src/kernels/blocks.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kSmallestRegion = 4096;

PlaneField Number(std::uint16_t width) { return {true, width}; }
PlaneField Bytes(std::size_t width) { return {false, static_cast<std::uint16_t>(width)}; }

// Where ggml keeps a block's scale (d), and its minimum if there is one right behind it.
template <typename Block>
PlaneLayout LayoutOfBlock() {
  PlaneLayout layout;
  std::size_t at = 0;
  const auto add_bytes = [&](std::size_t until) {
    if (until > at) layout.push_back(Bytes(until - at));
    at = until;
  };
  const auto add_number = [&](std::size_t offset, std::size_t width) {
    add_bytes(offset);
    layout.push_back(Number(static_cast<std::uint16_t>(width)));
    at += width;
  };
  if constexpr (requires(Block b) { b.d; }) {
    constexpr std::size_t kWidth = sizeof(Block::d) == 4 && !requires(Block b) { b.d.Get(); }
                                       ? 0  // NVFP4: four bytes, no number
                                       : sizeof(Block::d);
    if constexpr (kWidth != 0) add_number(offsetof(Block, d), kWidth);
    if constexpr (requires(Block b) { b.dmin; }) add_number(offsetof(Block, dmin), 2);
    if constexpr (requires(Block b) { b.m; }) add_number(offsetof(Block, m), sizeof(Block::m));
    if constexpr (requires(Block b) { b.s; }) add_number(offsetof(Block, s), sizeof(Block::s));
  }
  // Scales of parts of the block are distributed unlike the quants.
  if constexpr (requires(Block b) {
                  b.scales;
                  b.d;
                }) {
    if (offsetof(Block, scales) >= at) {
      add_bytes(offsetof(Block, scales));
      add_bytes(offsetof(Block, scales) + sizeof(Block::scales));
    }
  }
  add_bytes(sizeof(Block));
  return layout;
}

bool Continues(const PackRegion& first, const PackRegion& second) {
  if (first.range.End() != second.range.offset || first.layout != second.layout) return false;
  if (first.range.size % ElementBytes(first.layout) != 0) return false;
  if (first.base.has_value() != second.base.has_value()) return false;
  return !first.base || (first.base->file == second.base->file &&
                         first.base->offset + first.range.size == second.base->offset);
}

// Adds `size` bytes, which lie `into` bytes behind the start of `region` (null: in none).
void Add(std::vector<FramePiece>* pieces, std::uint64_t size, const PackRegion* region,
         std::uint64_t into, bool with_layout) {
  if (size == 0) return;
  FramePiece piece{.size = static_cast<std::uint32_t>(size)};
  if (region != nullptr && with_layout) piece.layout = region->layout;
  if (region != nullptr && region->base) {
    piece.base = BasePlace{region->base->file, region->base->offset + into};
  }
  const auto is_plain = [](const FramePiece& p) { return p.layout.empty() && !p.base; };
  if (!pieces->empty() && is_plain(pieces->back()) && is_plain(piece)) {
    pieces->back().size += piece.size;
  } else {
    pieces->push_back(std::move(piece));
  }
}

}  // namespace

PlaneLayout LayoutOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kBf16:
    case Dtype::kF16:
    case Dtype::kC32:
      return {Number(2)};
    case Dtype::kF32:
    case Dtype::kC64:
      return {Number(4)};
    case Dtype::kF64:
    case Dtype::kC128:
      return {Number(8)};
    case Dtype::kF8E4m3:
    case Dtype::kF8E5m2:
    case Dtype::kF8E4m3fnuz:
    case Dtype::kF8E5m2fnuz:
    case Dtype::kF8E8m0:
    case Dtype::kF6E2m3:
    case Dtype::kF6E3m2:
    case Dtype::kF4E2m1:
    case Dtype::kI8:
      return {Bytes(1)};
    default: {
      PlaneLayout layout;
      AllBlocks::Visit(dtype, [&]<typename Block> { layout = LayoutOfBlock<Block>(); });
      return layout;
    }
  }
}

std::vector<PackRegion> ArrangeRegions(std::vector<PackRegion> regions) {
  std::ranges::stable_sort(regions, [](const PackRegion& a, const PackRegion& b) {
    return a.range.offset < b.range.offset;
  });
  std::vector<PackRegion> arranged;
  for (PackRegion& region : regions) {
    if (region.range.size == 0) continue;
    if (!arranged.empty() && region.range.offset < arranged.back().range.End()) continue;
    if (!arranged.empty() && Continues(arranged.back(), region)) {
      arranged.back().range.size += region.range.size;
    } else {
      arranged.push_back(std::move(region));
    }
  }
  std::erase_if(arranged, [](const PackRegion& region) {
    return region.range.size < kSmallestRegion || (region.layout.empty() && !region.base);
  });
  return arranged;
}

std::vector<FramePiece> PiecesOf(std::span<const PackRegion> regions, ByteRange frame) {
  std::vector<FramePiece> pieces;
  auto region = std::ranges::upper_bound(regions, frame.offset, std::less(),
                                         [](const PackRegion& r) { return r.range.End(); });
  std::uint64_t at = frame.offset;
  for (; region != regions.end() && region->range.offset < frame.End(); ++region) {
    if (region->range.offset > at) {
      Add(&pieces, region->range.offset - at, nullptr, 0, false);
      at = region->range.offset;
    }
    // Elements that the frame cuts are bytes without structure.
    const std::uint64_t unit = ElementBytes(region->layout);
    const std::uint64_t end = std::min(region->range.End(), frame.End());
    const std::uint64_t into = at - region->range.offset;
    const std::uint64_t head = std::min((unit - into % unit) % unit, end - at);
    const std::uint64_t whole = (end - at - head) / unit * unit;
    Add(&pieces, head, &*region, into, false);
    Add(&pieces, whole, &*region, into + head, true);
    Add(&pieces, end - at - head - whole, &*region, into + head + whole, false);
    at = end;
  }
  Add(&pieces, frame.End() - at, nullptr, 0, false);
  return pieces;
}

}  // namespace hallmark
