// The key-value pairs of a GGUF header.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/byte_order.h"
#include "formats/metadata.h"
#include "src/io/file_cursor.h"

namespace hallmark {

// What tensor data is aligned to: general.alignment, or 32. kMalformed if that is no u32, no power
// of two or beyond 1 MiB.
Result<std::uint64_t> GgufAlignment(std::span<const MetadataEntry> metadata,
                                    const std::string& subject);

// How the versions and byte orders of GGUF differ in their headers.
struct GgufLayout {
  unsigned length_bytes;  // of counts, lengths and dimensions: 4 in version 1, 8 since
  ByteOrder order;
};

// Reads what GGUF's header is made of. Lives for one opening; `cursor` must outlive it.
// Errors: kMalformed, kUnsupported (a header beyond 256 MiB, arrays nested too deep), kIo.
class GgufHeaderCursor {
 public:
  GgufHeaderCursor(FileCursor& cursor, GgufLayout layout) : cursor_(cursor), layout_(layout) {}

  std::uint64_t Offset() const { return cursor_.Offset(); }

  Result<std::uint32_t> U32();
  Result<std::uint64_t> U64();
  Result<std::uint64_t> Length();
  // A count of items of at least `min_item_bytes`, checked against what can follow.
  Result<std::uint64_t> Count(std::uint64_t min_item_bytes, std::string_view what);
  Result<std::string_view> Text(std::string_view what);  // valid until the next call
  Result<MetadataEntry> Entry();
  // The fewest bytes an Entry, and a Text, can have.
  std::uint64_t SmallestEntry() const { return layout_.length_bytes + 4 + 1; }
  std::uint64_t SmallestText() const { return layout_.length_bytes; }

 private:
  Result<MetadataType> Type();
  Result<MetadataValue> Value(MetadataType type);
  Result<std::shared_ptr<const MetadataArray>> Array(int depth);
  Result<void> ReadNumbers(std::uint64_t count, MetadataArray& array);
  // The next `size` bytes, whole numbers or bools of `type`, little-endian; valid until the next
  // call that reads.
  Result<ByteSpan> Numbers(std::uint64_t size, MetadataType type);
  Result<void> CheckBools(ByteSpan values, std::uint64_t offset) const;
  Result<void> CheckHeaderLimit(std::uint64_t size) const;

  FileCursor& cursor_;
  GgufLayout layout_;
  std::uint64_t arrays_in_arrays_ = 0;
  std::vector<std::byte> swapped_;
};

}  // namespace hallmark
