// Key-value metadata of a container, in the container's own order and exact types, so that a writer
// can reproduce it byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/base/bytes.h"

namespace hallmark {

enum class MetadataType : std::uint8_t {
  kUntyped,  // the container types no values; the alternative in use says all there is
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kF32,
  kF64,
  kString,
  kArray,
};
std::string_view MetadataTypeName(MetadataType type);  // "u32", "string"
std::uint32_t MetadataTypeBytes(MetadataType type);    // of one value; 0 where values vary in size

// Unsigned integers of every width are held as std::uint64_t, signed ones as std::int64_t, floats
// as double; MetadataEntry::type has the width.
class MetadataArray;
using MetadataValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string,
                                   std::shared_ptr<const MetadataArray>>;

struct MetadataEntry {
  std::string key;
  MetadataValue value;
  MetadataType type = MetadataType::kUntyped;
};

// The entry of this key, or null; readers refuse keys that stand twice.
const MetadataEntry* FindMetadata(std::span<const MetadataEntry> metadata, std::string_view key);

// Values of one type, kept compact: a tokenizer has 10^5 strings. Filled once by a reader, then
// shared as const.
class MetadataArray {
 public:
  explicit MetadataArray(MetadataType element_type);  // not kUntyped

  MetadataType ElementType() const { return element_type_; }
  std::uint64_t Size() const;
  MetadataValue At(std::uint64_t index) const;         // index < Size()
  std::string_view TextAt(std::uint64_t index) const;  // of an array of strings
  // Of an array of numbers or bools: the values, little-endian. Of strings: all of them joined.
  ByteSpan Bytes() const { return bytes_; }

  void AppendBytes(ByteSpan values);  // whole little-endian numbers or bools
  void AppendText(std::string_view value);
  void AppendArray(std::shared_ptr<const MetadataArray> value);

 private:
  MetadataType element_type_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint64_t> text_ends_;  // where each string ends in bytes_
  std::vector<std::shared_ptr<const MetadataArray>> arrays_;
};

// The value of one number or bool of `type` from its little-endian bytes.
MetadataValue LoadMetadataValue(MetadataType type, const std::byte* bytes);
// Its inverse, MetadataTypeBytes(type) bytes; a double is rounded to f32. nullopt if `value` is of
// another kind, or does not fit. `type` is of a number or a bool.
std::optional<std::vector<std::byte>> StoreMetadataValue(MetadataType type,
                                                         const MetadataValue& value);

}  // namespace hallmark
