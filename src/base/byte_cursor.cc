#include "src/base/byte_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hallmark {

ByteCursor::ByteCursor(ByteSpan bytes, std::string subject, std::uint64_t base)
    : subject_(std::move(subject)),
      window_(bytes),
      window_offset_(base),
      end_(base + bytes.size()) {}

ByteCursor::ByteCursor(std::string subject, std::uint64_t begin, std::uint64_t end)
    : subject_(std::move(subject)), window_offset_(begin), end_(end) {}

Error ByteCursor::MalformedAt(std::uint64_t offset, std::string message) const {
  return Error{Errc::kMalformed, subject_, std::move(message), offset};
}

Result<void> ByteCursor::Need(std::uint64_t size) {
  if (size > Remaining()) {
    return Error{Errc::kMalformed, subject_,
                 fmt::format("{} more bytes are needed here, but {} are left", size, Remaining()),
                 Offset(), kTruncatedHint};
  }
  if (size > window_.size() - position_) return Refill(size);
  return {};
}

Result<void> ByteCursor::Refill(std::uint64_t) {
  HM_CHECK(!"a cursor over memory holds all its bytes");
  return {};
}

void ByteCursor::SetWindow(ByteSpan window, std::uint64_t window_offset, std::size_t position) {
  window_ = window;
  window_offset_ = window_offset;
  position_ = position;
}

Result<ByteSpan> ByteCursor::Peek(std::uint64_t size) {
  HM_TRY(Need(size));
  return window_.subspan(position_, size);
}

Result<ByteSpan> ByteCursor::Take(std::uint64_t size) {
  const ByteSpan bytes = HM_TRY(Peek(size));
  position_ += size;
  return bytes;
}

Result<std::string_view> ByteCursor::TakeText(std::uint64_t size) {
  return AsText(HM_TRY(Take(size)));
}

Result<std::string_view> ByteCursor::TakeUntil(char delimiter, std::uint64_t limit) {
  const std::uint64_t reach = std::min(Remaining(), limit);
  for (std::uint64_t size = std::min<std::uint64_t>(reach, 64);; size = std::min(reach, size * 2)) {
    const std::string_view text = AsText(HM_TRY(Peek(size)));
    if (const std::size_t found = text.find(delimiter); found != std::string_view::npos) {
      position_ += found + 1;
      return text.substr(0, found);
    }
    if (size == reach) break;
  }
  return Malformed(fmt::format("no end of line within {} bytes", reach));
}

Result<void> ByteCursor::Skip(std::uint64_t size) {
  if (size > Remaining()) return Need(size);
  const std::uint64_t ahead = window_.size() - position_;
  if (size <= ahead) {
    position_ += size;
  } else {
    SetWindow({}, Offset() + size, 0);
  }
  return {};
}

Result<void> ByteCursor::CheckCount(std::uint64_t count, std::uint64_t min_item_bytes,
                                    std::string_view what) const {
  if (count > Remaining() / std::max<std::uint64_t>(min_item_bytes, 1)) {
    return Malformed(
        fmt::format("{} {} cannot fit in the {} bytes that follow", count, what, Remaining()));
  }
  return {};
}

}  // namespace hallmark
