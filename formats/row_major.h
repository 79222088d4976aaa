// Stretches of a row-major array, taken apart into boxes.
#pragma once

#include <cstdint>
#include <vector>

#include "src/tensor/tensor_info.h"

namespace hallmark {

// The largest box that starts at row-major item `first` and holds at most `most` items. No size is
// 0, and `most` is not.
struct RowMajorBox {
  std::vector<std::uint64_t> start;  // index in each dimension
  std::size_t axis = 0;              // dimensions after it are whole, before it one wide
  std::uint64_t extent = 1;          // along `axis`
  std::uint64_t items = 1;
};
RowMajorBox RowMajorBoxAt(const Shape& sizes, std::uint64_t first, std::uint64_t most);

}  // namespace hallmark
