#include "formats/row_major.h"

#include <algorithm>

namespace hallmark {

RowMajorBox RowMajorBoxAt(const Shape& sizes, std::uint64_t first, std::uint64_t most) {
  RowMajorBox box;
  box.start.resize(sizes.size());
  std::uint64_t rest = first;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    box.start[i] = rest % sizes[i];
    rest /= sizes[i];
  }
  box.axis = sizes.size();
  for (std::size_t i = sizes.size(); i-- > 0;) {
    const std::uint64_t extent = std::min(sizes[i] - box.start[i], most / box.items);
    if (extent == 0) break;
    const std::uint64_t below = box.items;
    box.axis = i;
    box.extent = extent;
    box.items = below * extent;
    if (box.start[i] != 0 || extent != sizes[i]) break;
  }
  return box;
}

}  // namespace hallmark
