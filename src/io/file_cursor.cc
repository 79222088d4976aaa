#include "src/io/file_cursor.h"

#include <algorithm>

namespace hallmark {

Result<void> FileCursor::Refill(std::uint64_t size) {
  static constexpr std::uint64_t kWindow = 256 * 1024;
  const std::uint64_t offset = Offset();
  const std::uint64_t want = std::min(std::max(size, kWindow), Remaining());
  // An item larger than the window grows the buffer as its bytes arrive; `size` is within the file.
  buffer_.resize(want);
  if (Result<void> read = source_.Read(offset, buffer_); !read) {
    SetWindow({}, offset, 0);
    return read;
  }
  SetWindow(buffer_, offset, 0);
  return {};
}

}  // namespace hallmark
