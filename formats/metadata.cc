#include "formats/metadata.h"

#include <array>
#include <bit>
#include <utility>

#include "src/base/error.h"

namespace hallmark {
namespace {

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

}  // namespace hallmark
