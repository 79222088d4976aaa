#include "formats/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/gguf_metadata.h"
#include "formats/gguf_types.h"
#include "formats/layout_builder.h"
#include "formats/tensor_layout.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

constexpr std::uint32_t kVersion = 3;

void AddText(std::string_view text, LayoutBuilder& layout) {
  layout.AddLittle(std::uint64_t{text.size()});
  layout.Add(text);
}

Error InEntry(const MetadataEntry& entry, Errc code, std::string_view message) {
  return Error{code, "", fmt::format("metadata {}: {}", QuoteName(entry.key), message)};
}

Error NotOfItsType(const MetadataEntry& entry) {
  return InEntry(entry, Errc::kMalformed,
                 fmt::format("its value does not fit its type {}", MetadataTypeName(entry.type)));
}

Result<void> AddArray(const MetadataEntry& entry, LayoutBuilder& layout) {
  const auto* const held = std::get_if<std::shared_ptr<const MetadataArray>>(&entry.value);
  if (held == nullptr || *held == nullptr) return NotOfItsType(entry);
  const MetadataArray& array = **held;
  if (array.ElementType() == MetadataType::kArray) {
    return InEntry(entry, Errc::kUnsupported, "llama.cpp takes no arrays of arrays");
  }
  layout.AddLittle(GgufTypeOf(array.ElementType()));
  layout.AddLittle(array.Size());
  if (array.ElementType() != MetadataType::kString) {
    layout.Add(array.Bytes());
    return {};
  }
  for (std::uint64_t i = 0; i < array.Size(); ++i) AddText(array.TextAt(i), layout);
  return {};
}

Result<void> AddEntry(const MetadataEntry& entry, LayoutBuilder& layout) {
  if (entry.key.empty()) return Error{Errc::kMalformed, "", "a metadata key is empty"};
  if (entry.key.size() > kGgufLongestKey) {
    return InEntry(entry, Errc::kMalformed,
                   fmt::format("a key of {} bytes, limit {}", entry.key.size(), kGgufLongestKey));
  }
  if (entry.type == MetadataType::kUntyped) {
    return InEntry(entry, Errc::kUnsupported, "GGUF needs a type for its value");
  }
  AddText(entry.key, layout);
  layout.AddLittle(GgufTypeOf(entry.type));
  if (entry.type == MetadataType::kArray) return AddArray(entry, layout);
  if (entry.type == MetadataType::kString) {
    const auto* const text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) return NotOfItsType(entry);
    AddText(*text, layout);
    return {};
  }
  const auto bytes = StoreMetadataValue(entry.type, entry.value);
  if (!bytes) return NotOfItsType(entry);
  layout.Add(*bytes);
  return {};
}

Result<void> AddMetadata(std::span<const MetadataEntry> metadata, LayoutBuilder& layout) {
  std::vector<std::string_view> keys;
  keys.reserve(metadata.size());
  for (const MetadataEntry& entry : metadata) {
    keys.push_back(entry.key);
    HM_TRY(AddEntry(entry, layout));
  }
  return CheckUnique(keys, "metadata key", "");
}

// `ne` from its last to its first: the shape without the ones at its front, but never nothing.
std::span<const std::uint64_t> DimensionsOf(const Shape& shape) {
  static constexpr std::uint64_t kOne = 1;
  if (shape.empty()) return {&kOne, 1};
  const auto first = std::find_if(shape.begin(), shape.end() - 1,
                                  [](std::uint64_t dimension) { return dimension != 1; });
  return {first, shape.end()};
}

// `offset`: of its payload, from the first one's.
Result<void> AddTensorInfo(const TensorToWrite& tensor, std::uint64_t offset,
                           LayoutBuilder& layout) {
  if (tensor.name.size() > kGgmlLongestName) {
    return InTensorToWrite(tensor, Errc::kUnsupported,
                           fmt::format("a name of {} bytes, llama.cpp's limit is {}",
                                       tensor.name.size(), kGgmlLongestName));
  }
  if (tensor.name.find('\0') != std::string::npos) {
    return InTensorToWrite(tensor, Errc::kUnsupported, "llama.cpp ends a name at its first zero");
  }
  const std::span<const std::uint64_t> dimensions = DimensionsOf(tensor.shape);
  if (dimensions.size() > kGgmlMostDimensions) {
    return InTensorToWrite(tensor, Errc::kUnsupported,
                           fmt::format("{} dimensions, llama.cpp's limit is {}", dimensions.size(),
                                       kGgmlMostDimensions));
  }
  const std::optional<std::uint32_t> type = GgmlTypeOf(tensor.dtype);
  if (!type) return NoTypeFor(tensor, "GGUF");
  AddText(tensor.name, layout);
  layout.AddLittle(static_cast<std::uint32_t>(dimensions.size()));
  for (auto i = dimensions.rbegin(); i != dimensions.rend(); ++i) layout.AddLittle(*i);
  layout.AddLittle(*type);
  layout.AddLittle(offset);
  return {};
}

Result<void> CheckFraming(std::uint64_t bytes) {
  if (bytes <= kGgufHeaderLimit) return {};
  return Error{Errc::kUnsupported, "",
               fmt::format("{} bytes of header and padding, limit {}", bytes, kGgufHeaderLimit)};
}

}  // namespace

Result<FileLayout> LayOutGguf(std::span<const TensorToWrite> tensors,
                              std::span<const MetadataEntry> metadata) {
  const std::vector<std::uint64_t> sizes = HM_TRY(MeasureTensors(tensors));
  const std::uint64_t alignment = HM_TRY(GgufAlignment(metadata, ""));

  LayoutBuilder layout;
  layout.Add(kGgufMagic);
  layout.AddLittle(kVersion);
  layout.AddLittle(std::uint64_t{tensors.size()});
  layout.AddLittle(std::uint64_t{metadata.size()});
  HM_TRY(AddMetadata(metadata, layout));
  std::uint64_t offset = 0, padding = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    HM_TRY(AddTensorInfo(tensors[i], offset, layout));
    const std::uint64_t end = offset + sizes[i];
    offset = *CheckedRoundUp(end, alignment);
    padding += offset - end;
  }
  HM_TRY(CheckFraming(layout.Size() + padding));

  layout.PadTo(alignment);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    layout.AddPayload(i, sizes[i]);
    layout.PadTo(alignment);
  }
  return layout.Take();
}

}  // namespace hallmark
