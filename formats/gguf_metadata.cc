#include "formats/gguf_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "formats/gguf_types.h"
#include "formats/tensor_layout.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kLargestAlignment = 1 << 20;
constexpr int kArrayDepth = 8;
constexpr std::uint64_t kArraysInArrays = 1'000'000;

}  // namespace

Result<std::uint64_t> GgufAlignment(std::span<const MetadataEntry> metadata,
                                    const std::string& subject) {
  const auto entry = std::ranges::find(metadata, "general.alignment", &MetadataEntry::key);
  if (entry == metadata.end()) return kDefaultAlignment;
  const auto* const alignment = std::get_if<std::uint64_t>(&entry->value);
  if (entry->type != MetadataType::kU32 || alignment == nullptr) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("general.alignment is of type {}, u32 is needed",
                             MetadataTypeName(entry->type))};
  }
  if (!std::has_single_bit(*alignment) || *alignment > kLargestAlignment) {
    return Error{Errc::kMalformed, subject,
                 fmt::format("general.alignment is {}, a power of two up to {} is needed",
                             *alignment, kLargestAlignment)};
  }
  return *alignment;
}

Result<void> GgufHeaderCursor::CheckHeaderLimit(std::uint64_t size) const {
  // Without overflow: Remaining() bounds `size` or the cursor reports the shortage itself.
  if (size <= cursor_.Remaining() && Offset() + size > kGgufHeaderLimit) {
    return Error{Errc::kUnsupported, cursor_.Subject(),
                 fmt::format("the header reaches beyond byte {}, limit {}", Offset() + size,
                             kGgufHeaderLimit),
                 Offset()};
  }
  return {};
}

Result<std::uint32_t> GgufHeaderCursor::U32() {
  if (layout_.order == ByteOrder::kBig) return cursor_.Big<std::uint32_t>();
  return cursor_.U32();
}

Result<std::uint64_t> GgufHeaderCursor::U64() {
  if (layout_.order == ByteOrder::kBig) return cursor_.Big<std::uint64_t>();
  return cursor_.U64();
}

Result<std::uint64_t> GgufHeaderCursor::Length() {
  if (layout_.length_bytes == 4) return HM_TRY(U32());
  return U64();
}

Result<std::uint64_t> GgufHeaderCursor::Count(std::uint64_t min_item_bytes, std::string_view what) {
  const std::uint64_t offset = Offset();
  const std::uint64_t count = HM_TRY(Length());
  if (Result<void> fits = cursor_.CheckCount(count, min_item_bytes, what); !fits) {
    fits.error().offset = offset;
    return std::move(fits).error();
  }
  HM_TRY(CheckHeaderLimit(count * min_item_bytes));
  return count;
}

Result<std::string_view> GgufHeaderCursor::Text(std::string_view what) {
  const std::uint64_t offset = Offset();
  const std::uint64_t length = HM_TRY(Length());
  if (length > cursor_.Remaining()) {
    Error error = cursor_.MalformedAt(
        offset, fmt::format("the length {} of {} exceeds the {} bytes that follow it", length, what,
                            cursor_.Remaining()));
    error.hint = kTruncatedHint;
    return error;
  }
  HM_TRY(CheckHeaderLimit(length));
  return cursor_.TakeText(length);
}

Result<MetadataType> GgufHeaderCursor::Type() {
  const std::uint64_t offset = Offset();
  const std::uint32_t id = HM_TRY(U32());
  if (const auto type = MetadataTypeOfGguf(id)) return *type;
  return cursor_.MalformedAt(offset, fmt::format("metadata type {}, limit 12", id));
}

Result<MetadataEntry> GgufHeaderCursor::Entry() {
  const std::uint64_t offset = Offset();
  MetadataEntry entry;
  entry.key = HM_TRY(Text("a metadata key"));
  if (entry.key.empty()) return cursor_.MalformedAt(offset, "a metadata key is empty");
  if (entry.key.size() > kGgufLongestKey) {
    return cursor_.MalformedAt(offset, fmt::format("a metadata key of {} bytes, limit {}",
                                                   entry.key.size(), kGgufLongestKey));
  }
  entry.type = HM_TRY(Type());
  entry.value = HM_TRY(Value(entry.type));
  return entry;
}

Result<MetadataValue> GgufHeaderCursor::Value(MetadataType type) {
  if (type == MetadataType::kString) return std::string(HM_TRY(Text("a metadata string")));
  if (type == MetadataType::kArray) return HM_TRY(Array(1));
  const std::uint64_t offset = Offset();
  const ByteSpan bytes = HM_TRY(Numbers(MetadataTypeBytes(type), type));
  if (type == MetadataType::kBool) HM_TRY(CheckBools(bytes, offset));
  return LoadMetadataValue(type, bytes.data());
}

Result<ByteSpan> GgufHeaderCursor::Numbers(std::uint64_t size, MetadataType type) {
  const ByteSpan stored = HM_TRY(cursor_.Take(size));
  if (layout_.order == ByteOrder::kLittle) return stored;
  swapped_.assign(stored.begin(), stored.end());
  SwapEach(swapped_, MetadataTypeBytes(type));
  return ByteSpan(swapped_);
}

Result<void> GgufHeaderCursor::CheckBools(ByteSpan values, std::uint64_t offset) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > std::byte{1}) {
      return cursor_.MalformedAt(
          offset + i, fmt::format("a bool of value {}, limit 1", std::to_integer<int>(values[i])));
    }
  }
  return {};
}

Result<std::shared_ptr<const MetadataArray>> GgufHeaderCursor::Array(int depth) {
  const std::uint64_t offset = Offset();
  if (depth > kArrayDepth || arrays_in_arrays_ > kArraysInArrays) {
    return Error{Errc::kUnsupported, cursor_.Subject(),
                 fmt::format("more arrays within arrays than {} levels or {} in all", kArrayDepth,
                             kArraysInArrays),
                 offset};
  }
  const MetadataType type = HM_TRY(Type());
  auto array = std::make_shared<MetadataArray>(type);
  if (type == MetadataType::kString) {
    const std::uint64_t count = HM_TRY(Count(SmallestText(), "strings"));
    for (std::uint64_t i = 0; i < count; ++i) {
      array->AppendText(HM_TRY(Text("a string of an array")));
    }
  } else if (type == MetadataType::kArray) {
    const std::uint64_t count = HM_TRY(Count(4 + layout_.length_bytes, "arrays"));
    for (std::uint64_t i = 0; i < count; ++i) {
      ++arrays_in_arrays_;
      array->AppendArray(HM_TRY(Array(depth + 1)));
    }
  } else {
    const std::uint64_t count = HM_TRY(Count(MetadataTypeBytes(type), "values of an array"));
    HM_TRY(ReadNumbers(count, *array));
  }
  return std::shared_ptr<const MetadataArray>(std::move(array));
}

Result<void> GgufHeaderCursor::ReadNumbers(std::uint64_t count, MetadataArray& array) {
  static constexpr std::uint64_t kPiece = 64 * 1024;  // whole values of every width
  const MetadataType type = array.ElementType();
  for (std::uint64_t left = count * MetadataTypeBytes(type); left != 0;) {
    const std::uint64_t offset = Offset();
    const ByteSpan bytes = HM_TRY(Numbers(std::min(left, kPiece), type));
    if (type == MetadataType::kBool) HM_TRY(CheckBools(bytes, offset));
    array.AppendBytes(bytes);
    left -= bytes.size();
  }
  return {};
}

}  // namespace hallmark
