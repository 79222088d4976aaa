#include "formats/tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "formats/row_major.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

constexpr int kMaxCuts = 64;  // within cuts

std::uint64_t Volume(const Shape& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{1}, std::multiplies<>());
}

Error Malformed(std::string message) { return {Errc::kMalformed, "", std::move(message)}; }

// A part of the tensor and the boxes in it.
struct Region {
  TensorBox box;
  std::vector<std::size_t> boxes;
  int cuts = 0;  // that made it
};

// Cuts the region across `axis` wherever no box is in the way; one part if that is nowhere.
std::vector<Region> CutAcross(Region region, std::size_t axis, std::span<const TensorBox> boxes) {
  std::ranges::sort(region.boxes, {},
                    [&](std::size_t index) { return boxes[index].offsets[axis]; });
  std::vector<Region> parts;
  std::uint64_t reach = 0;
  for (const std::size_t index : region.boxes) {
    const std::uint64_t begin = boxes[index].offsets[axis];
    const std::uint64_t end = begin + boxes[index].sizes[axis];
    if (parts.empty() || begin >= reach) {
      parts.push_back({region.box, {}, region.cuts + 1});
      parts.back().box.offsets[axis] = begin;
    }
    reach = std::max(reach, end);
    parts.back().boxes.push_back(index);
    parts.back().box.sizes[axis] = reach - parts.back().box.offsets[axis];
  }
  return parts;
}

// Whether the parts, in their order, fill the region along the axis.
bool Fill(const std::vector<Region>& parts, const TensorBox& region, std::size_t axis) {
  std::uint64_t reach = region.offsets[axis];
  for (const Region& part : parts) {
    if (part.box.offsets[axis] != reach) return false;
    reach += part.box.sizes[axis];
  }
  return reach == region.offsets[axis] + region.sizes[axis];
}

// Copies a box of bytes that is row-major in `from` to its place among rows in `out`.
void Scatter(const std::vector<std::uint64_t>& sizes, const std::vector<std::uint64_t>& strides,
             const std::byte* from, std::byte* out) {
  // Trailing dimensions that lie as densely in `out` make one run.
  std::size_t outer = sizes.size();
  std::uint64_t run = 1;
  while (outer > 0 && strides[outer - 1] == run) run *= sizes[--outer];
  std::vector<std::uint64_t> at(outer, 0);
  std::uint64_t to = 0;
  while (true) {
    std::copy_n(from, run, out + to);
    from += run;
    std::size_t axis = outer;
    while (true) {
      if (axis == 0) return;
      --axis;
      to += strides[axis];
      if (++at[axis] < sizes[axis]) break;
      to -= strides[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace

Result<void> CheckTiles(const Shape& sizes, std::span<const TensorBox> boxes) {
  Region whole{{Shape(sizes.size(), 0), sizes}, {}};
  std::uint64_t covered = 0;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (boxes[i].offsets.size() != sizes.size() || boxes[i].sizes.size() != sizes.size()) {
      return Malformed(fmt::format("a piece has {} dimensions, the tensor {}",
                                   boxes[i].sizes.size(), sizes.size()));
    }
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      const auto end = CheckedAdd(boxes[i].offsets[d], boxes[i].sizes[d]);
      if (!end || *end > sizes[d]) return Malformed("a piece ends beyond the tensor");
    }
    const std::uint64_t volume = Volume(boxes[i].sizes);
    if (volume == 0) continue;
    const auto sum = CheckedAdd(covered, volume);
    if (!sum || *sum > Volume(sizes)) return Malformed("its pieces overlap");
    covered = *sum;
    whole.boxes.push_back(i);
  }
  if (covered != Volume(sizes)) {
    return Malformed(fmt::format("its pieces hold {} of {} elements", covered, Volume(sizes)));
  }
  // As many elements as there should be: boxes that do not overlap leave no gap.
  std::vector<Region> regions;
  if (!whole.boxes.empty()) regions.push_back(std::move(whole));
  while (!regions.empty()) {
    Region region = std::move(regions.back());
    regions.pop_back();
    if (region.boxes.size() == 1) {
      if (boxes[region.boxes[0]].sizes == region.box.sizes) continue;
      return Malformed("its pieces leave gaps");
    }
    std::vector<Region> parts;
    for (std::size_t axis = 0; axis < sizes.size() && parts.size() < 2; ++axis) {
      parts = CutAcross(region, axis, boxes);
      if (!Fill(parts, region.box, axis)) return Malformed("its pieces leave gaps");
    }
    if (parts.size() < 2 || region.cuts == kMaxCuts) {
      return Error{Errc::kUnsupported, "", "its pieces overlap, or are no grid of straight cuts"};
    }
    std::ranges::move(parts, std::back_inserter(regions));
  }
  return {};
}

Result<void> ReadTiles(const Shape& sizes, std::span<const TensorBox> boxes,
                       std::uint32_t item_bytes, std::uint64_t offset, MutableByteSpan out,
                       const ReadBox& read) {
  // The bytes of an element are one more dimension, so that none is cut.
  Shape byte_sizes = sizes;
  byte_sizes.push_back(item_bytes);
  const std::size_t dimensions = byte_sizes.size();
  std::vector<std::uint64_t> strides(dimensions, 1);
  for (std::size_t d = dimensions - 1; d-- > 0;) strides[d] = strides[d + 1] * byte_sizes[d + 1];

  std::vector<std::byte> scratch;
  while (!out.empty()) {
    const RowMajorBox wanted = RowMajorBoxAt(byte_sizes, offset, out.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      // What is common to both: one wide before the axis, whole (in the box) after it, and so one
      // stretch of the box.
      std::vector<std::uint64_t> common(dimensions);
      std::uint64_t begin = 0;  // in the box
      std::uint64_t to = 0;     // in `out`
      bool meets = true;
      for (std::size_t d = 0; d < dimensions && meets; ++d) {
        const bool is_byte = d + 1 == dimensions;
        const std::uint64_t first = is_byte ? 0 : boxes[i].offsets[d];
        const std::uint64_t size = is_byte ? item_bytes : boxes[i].sizes[d];
        const std::uint64_t low = d > wanted.axis ? first : std::max(first, wanted.start[d]);
        const std::uint64_t wanted_end = d < wanted.axis    ? wanted.start[d] + 1
                                         : d == wanted.axis ? wanted.start[d] + wanted.extent
                                                            : byte_sizes[d];
        const std::uint64_t high = std::min(first + size, wanted_end);
        meets = low < high;
        if (!meets) break;
        common[d] = high - low;
        begin = begin * size + (low - first);
        if (d >= wanted.axis) to += (low - (d == wanted.axis ? wanted.start[d] : 0)) * strides[d];
      }
      if (!meets) continue;
      const std::uint64_t bytes = Volume(common);
      const std::vector<std::uint64_t> inner(
          common.begin() + static_cast<std::ptrdiff_t>(wanted.axis), common.end());
      const std::vector<std::uint64_t> steps(
          strides.begin() + static_cast<std::ptrdiff_t>(wanted.axis), strides.end());
      scratch.resize(bytes);
      HM_TRY(read(i, begin, scratch));
      Scatter(inner, steps, scratch.data(), out.data() + to);
    }
    offset += wanted.items;
    out = out.subspan(wanted.items);
  }
  return {};
}

}  // namespace hallmark
