// The only reader of untrusted bytes: every access is checked against what is really there,
// and every error names the absolute offset.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// The hint where a file ends before what it promises.
inline constexpr const char* kTruncatedHint =
    "the file looks truncated; compare its size with the official listing";

// Walks forward over [begin, end) of a named subject. The plain cursor looks at memory that must
// outlive it; FileCursor (src/io) derives from it and slides a window over a file.
// Not thread-safe. After an error the position is unspecified.
class ByteCursor {
 public:
  // `base` is the offset of bytes[0] in `subject`, used for messages only.
  ByteCursor(ByteSpan bytes, std::string subject, std::uint64_t base = 0);
  virtual ~ByteCursor() = default;
  ByteCursor(const ByteCursor&) = delete;
  ByteCursor& operator=(const ByteCursor&) = delete;

  std::uint64_t Offset() const { return window_offset_ + position_; }  // absolute
  std::uint64_t Remaining() const { return end_ - Offset(); }          // bytes left
  bool AtEnd() const { return Remaining() == 0; }
  const std::string& Subject() const { return subject_; }

  // The next `size` bytes; valid until the next call that reads.
  Result<ByteSpan> Take(std::uint64_t size);
  Result<std::string_view> TakeText(std::uint64_t size);
  // Up to and without `delimiter`, which is consumed; kMalformed if not within `limit` bytes.
  Result<std::string_view> TakeUntil(char delimiter, std::uint64_t limit);
  Result<ByteSpan> Peek(std::uint64_t size);
  Result<void> Skip(std::uint64_t size);

  template <std::unsigned_integral T>
  Result<T> Little() {
    const ByteSpan bytes = HM_TRY(Take(sizeof(T)));
    return LoadLittle<T>(bytes.data());
  }
  template <std::unsigned_integral T>
  Result<T> Big() {
    const ByteSpan bytes = HM_TRY(Take(sizeof(T)));
    return LoadBig<T>(bytes.data());
  }
  Result<std::uint8_t> U8() { return Little<std::uint8_t>(); }
  Result<std::uint16_t> U16() { return Little<std::uint16_t>(); }
  Result<std::uint32_t> U32() { return Little<std::uint32_t>(); }
  Result<std::uint64_t> U64() { return Little<std::uint64_t>(); }

  // kMalformed unless `count` items of at least `min_item_bytes` each can still follow. Call it
  // before allocating anything sized by a count from the file.
  Result<void> CheckCount(std::uint64_t count, std::uint64_t min_item_bytes,
                          std::string_view what) const;

  // A kMalformed error at `offset` (by default: here).
  Error Malformed(std::string message) const { return MalformedAt(Offset(), std::move(message)); }
  Error MalformedAt(std::uint64_t offset, std::string message) const;

 protected:
  // For a cursor whose window can move: `end` is the absolute end of what may be read.
  ByteCursor(std::string subject, std::uint64_t begin, std::uint64_t end);

  // Makes at least `size` (<= Remaining()) bytes available at the position, by SetWindow.
  virtual Result<void> Refill(std::uint64_t size);
  void SetWindow(ByteSpan window, std::uint64_t window_offset, std::size_t position);

 private:
  Result<void> Need(std::uint64_t size);

  std::string subject_;
  ByteSpan window_;
  std::uint64_t window_offset_;  // absolute offset of window_[0]
  std::size_t position_ = 0;     // in window_
  std::uint64_t end_;            // absolute
};

}  // namespace hallmark
