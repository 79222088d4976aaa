// The key-value pairs of a GGUF header.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/metadata.h"
#include "src/io/file_cursor.h"

namespace hallmark {

// Reads what GGUF's header is made of. Lives for one opening; `cursor` must outlive it.
// Errors: kMalformed, kUnsupported (a header beyond 256 MiB, arrays nested too deep), kIo.
class GgufHeaderCursor {
 public:
  // `length_bytes`: how wide counts and lengths are, 8 since version 2.
  GgufHeaderCursor(FileCursor& cursor, unsigned length_bytes)
      : cursor_(cursor), length_bytes_(length_bytes) {}

  std::uint64_t Offset() const { return cursor_.Offset(); }
  FileCursor& Bytes() { return cursor_; }

  Result<std::uint64_t> Length();
  // A count of items of at least `min_item_bytes`, checked against what can follow.
  Result<std::uint64_t> Count(std::uint64_t min_item_bytes, std::string_view what);
  Result<std::string_view> Text(std::string_view what);  // valid until the next call
  Result<MetadataEntry> Entry();
  // The fewest bytes an Entry, and a Text, can have.
  std::uint64_t SmallestEntry() const { return length_bytes_ + 4 + 1; }
  std::uint64_t SmallestText() const { return length_bytes_; }

 private:
  Result<MetadataType> Type();
  Result<MetadataValue> Value(MetadataType type);
  Result<std::shared_ptr<const MetadataArray>> Array(int depth);
  Result<void> ReadNumbers(std::uint64_t count, MetadataArray& array);
  Result<void> CheckBools(ByteSpan values, std::uint64_t offset) const;
  Result<void> CheckHeaderLimit(std::uint64_t size) const;

  FileCursor& cursor_;
  unsigned length_bytes_;
  std::uint64_t arrays_in_arrays_ = 0;
};

}  // namespace hallmark
