#include "formats/metadata.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include "src/base/error.h"

namespace hallmark {
namespace {

constexpr double kLargestF32 = std::numeric_limits<float>::max();

struct TypeRow {
  MetadataType type;
  std::string_view name;
  std::uint32_t bytes;
};

constexpr std::array kTypes = {
    TypeRow{MetadataType::kUntyped, "untyped", 0}, TypeRow{MetadataType::kBool, "bool", 1},
    TypeRow{MetadataType::kU8, "u8", 1},           TypeRow{MetadataType::kI8, "i8", 1},
    TypeRow{MetadataType::kU16, "u16", 2},         TypeRow{MetadataType::kI16, "i16", 2},
    TypeRow{MetadataType::kU32, "u32", 4},         TypeRow{MetadataType::kI32, "i32", 4},
    TypeRow{MetadataType::kU64, "u64", 8},         TypeRow{MetadataType::kI64, "i64", 8},
    TypeRow{MetadataType::kF32, "f32", 4},         TypeRow{MetadataType::kF64, "f64", 8},
    TypeRow{MetadataType::kString, "string", 0},   TypeRow{MetadataType::kArray, "array", 0},
};

const TypeRow& RowOf(MetadataType type) {
  const auto index = static_cast<std::size_t>(type);
  HM_CHECK(index < kTypes.size() && kTypes[index].type == type);
  return kTypes[index];
}

template <typename Signed, typename Unsigned>
std::int64_t LoadSigned(const std::byte* bytes) {
  return std::bit_cast<Signed>(LoadLittle<Unsigned>(bytes));
}

template <std::unsigned_integral T>
std::vector<std::byte> BytesOf(T value) {
  std::vector<std::byte> bytes(sizeof value);
  StoreLittle(bytes.data(), value);
  return bytes;
}

template <std::integral T, std::integral Held>
std::optional<std::vector<std::byte>> StoreInteger(const Held* value) {
  if (value == nullptr || !std::in_range<T>(*value)) return std::nullopt;
  return BytesOf(static_cast<std::make_unsigned_t<T>>(*value));
}

}  // namespace

std::string_view MetadataTypeName(MetadataType type) { return RowOf(type).name; }
std::uint32_t MetadataTypeBytes(MetadataType type) { return RowOf(type).bytes; }

MetadataValue LoadMetadataValue(MetadataType type, const std::byte* bytes) {
  switch (type) {
    case MetadataType::kBool:
      return LoadLittle<std::uint8_t>(bytes) != 0;
    case MetadataType::kU8:
      return std::uint64_t{LoadLittle<std::uint8_t>(bytes)};
    case MetadataType::kU16:
      return std::uint64_t{LoadLittle<std::uint16_t>(bytes)};
    case MetadataType::kU32:
      return std::uint64_t{LoadLittle<std::uint32_t>(bytes)};
    case MetadataType::kU64:
      return LoadLittle<std::uint64_t>(bytes);
    case MetadataType::kI8:
      return LoadSigned<std::int8_t, std::uint8_t>(bytes);
    case MetadataType::kI16:
      return LoadSigned<std::int16_t, std::uint16_t>(bytes);
    case MetadataType::kI32:
      return LoadSigned<std::int32_t, std::uint32_t>(bytes);
    case MetadataType::kI64:
      return LoadSigned<std::int64_t, std::uint64_t>(bytes);
    case MetadataType::kF32:
      return double{std::bit_cast<float>(LoadLittle<std::uint32_t>(bytes))};
    case MetadataType::kF64:
      return std::bit_cast<double>(LoadLittle<std::uint64_t>(bytes));
    case MetadataType::kUntyped:
    case MetadataType::kString:
    case MetadataType::kArray:
      break;
  }
  HM_CHECK(!"only numbers and bools have a fixed size");
  return {};
}

std::optional<std::vector<std::byte>> StoreMetadataValue(MetadataType type,
                                                         const MetadataValue& value) {
  const auto* const unsigned_value = std::get_if<std::uint64_t>(&value);
  const auto* const signed_value = std::get_if<std::int64_t>(&value);
  const auto* const float_value = std::get_if<double>(&value);
  switch (type) {
    case MetadataType::kBool:
      if (const auto* held = std::get_if<bool>(&value)) return BytesOf(std::uint8_t{*held});
      return std::nullopt;
    case MetadataType::kU8:
      return StoreInteger<std::uint8_t>(unsigned_value);
    case MetadataType::kU16:
      return StoreInteger<std::uint16_t>(unsigned_value);
    case MetadataType::kU32:
      return StoreInteger<std::uint32_t>(unsigned_value);
    case MetadataType::kU64:
      return StoreInteger<std::uint64_t>(unsigned_value);
    case MetadataType::kI8:
      return StoreInteger<std::int8_t>(signed_value);
    case MetadataType::kI16:
      return StoreInteger<std::int16_t>(signed_value);
    case MetadataType::kI32:
      return StoreInteger<std::int32_t>(signed_value);
    case MetadataType::kI64:
      return StoreInteger<std::int64_t>(signed_value);
    case MetadataType::kF32:
      if (float_value == nullptr) return std::nullopt;
      if (std::isfinite(*float_value) && std::abs(*float_value) > kLargestF32) return std::nullopt;
      return BytesOf(std::bit_cast<std::uint32_t>(static_cast<float>(*float_value)));
    case MetadataType::kF64:
      if (float_value == nullptr) return std::nullopt;
      return BytesOf(std::bit_cast<std::uint64_t>(*float_value));
    case MetadataType::kUntyped:
    case MetadataType::kString:
    case MetadataType::kArray:
      break;
  }
  HM_CHECK(!"only numbers and bools have a fixed size");
  return std::nullopt;
}

MetadataArray::MetadataArray(MetadataType element_type) : element_type_(element_type) {
  HM_CHECK(element_type != MetadataType::kUntyped);
}

std::uint64_t MetadataArray::Size() const {
  if (element_type_ == MetadataType::kString) return text_ends_.size();
  if (element_type_ == MetadataType::kArray) return arrays_.size();
  return bytes_.size() / MetadataTypeBytes(element_type_);
}

MetadataValue MetadataArray::At(std::uint64_t index) const {
  HM_CHECK(index < Size());
  if (element_type_ == MetadataType::kString) return std::string(TextAt(index));
  if (element_type_ == MetadataType::kArray) return arrays_[index];
  return LoadMetadataValue(element_type_, bytes_.data() + index * MetadataTypeBytes(element_type_));
}

std::string_view MetadataArray::TextAt(std::uint64_t index) const {
  HM_CHECK(index < text_ends_.size());
  const std::uint64_t begin = index == 0 ? 0 : text_ends_[index - 1];
  return AsText(bytes_).substr(begin, text_ends_[index] - begin);
}

void MetadataArray::AppendBytes(ByteSpan values) {
  HM_CHECK(MetadataTypeBytes(element_type_) != 0 &&
           values.size() % MetadataTypeBytes(element_type_) == 0);
  bytes_.insert(bytes_.end(), values.begin(), values.end());
}

void MetadataArray::AppendText(std::string_view value) {
  HM_CHECK(element_type_ == MetadataType::kString);
  const ByteSpan bytes = AsBytes(value);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  text_ends_.push_back(bytes_.size());
}

void MetadataArray::AppendArray(std::shared_ptr<const MetadataArray> value) {
  HM_CHECK(element_type_ == MetadataType::kArray);
  arrays_.push_back(std::move(value));
}

const MetadataEntry* FindMetadata(std::span<const MetadataEntry> metadata, std::string_view key) {
  const auto found = std::ranges::find(metadata, key, &MetadataEntry::key);
  return found == metadata.end() ? nullptr : &*found;
}

}  // namespace hallmark
