#include "formats/safetensors_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "formats/layout_builder.h"
#include "formats/safetensors_types.h"
#include "formats/tensor_layout.h"
#include "src/base/text.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::size_t kHeaderUnit = 8;  // the header ends at a multiple of it

auto TypeOf(Dtype dtype) {
  return std::ranges::find(kSafetensorsTypes, dtype, &SafetensorsType::dtype);
}

Result<void> CheckTensor(const TensorToWrite& tensor) {
  if (TypeOf(tensor.dtype) == kSafetensorsTypes.end()) return NoTypeFor(tensor, "safetensors");
  if (!IsValidUtf8(tensor.name)) {
    return InTensorToWrite(tensor, Errc::kMalformed, "its name is not valid UTF-8");
  }
  if (tensor.name == kSafetensorsMetadataKey) {
    return InTensorToWrite(tensor, Errc::kMalformed, "metadata stands under its name");
  }
  return {};
}

Result<std::string> MetadataJson(const std::map<std::string, std::string>& metadata) {
  std::string json;
  for (const auto& [key, value] : metadata) {
    if (!IsValidUtf8(key) || !IsValidUtf8(value)) {
      return Error{Errc::kMalformed, "",
                   fmt::format("the metadata {} is not valid UTF-8", QuoteName(key))};
    }
    json += fmt::format("{}{}:{}", json.empty() ? "" : ",", JsonQuoted(key), JsonQuoted(value));
  }
  return json;
}

// Indices of the tensors in the order in which they lie in the file.
std::vector<std::size_t> WritingOrder(std::span<const TensorToWrite> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t i, std::size_t j) {
    const TensorToWrite &a = tensors[i], &b = tensors[j];
    return a.dtype != b.dtype ? TypeOf(a.dtype) > TypeOf(b.dtype) : a.name < b.name;
  });
  return order;
}

}  // namespace

Result<FileLayout> LayOutSafetensors(std::span<const TensorToWrite> tensors,
                                     const std::map<std::string, std::string>& metadata) {
  const std::vector<std::uint64_t> sizes = HM_TRY(MeasureTensors(tensors));
  for (const TensorToWrite& tensor : tensors) HM_TRY(CheckTensor(tensor));
  const std::vector<std::size_t> order = WritingOrder(tensors);

  std::string header = "{";
  if (!metadata.empty()) {
    header += fmt::format("\"{}\":{{{}}}", kSafetensorsMetadataKey, HM_TRY(MetadataJson(metadata)));
  }
  std::uint64_t begin = 0;
  for (const std::size_t i : order) {
    const TensorToWrite& tensor = tensors[i];
    header += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          header.size() == 1 ? "" : ",", JsonQuoted(tensor.name),
                          TypeOf(tensor.dtype)->name, fmt::join(tensor.shape, ","), begin,
                          begin + sizes[i]);
    begin += sizes[i];
  }
  header += '}';
  header.resize((header.size() + kHeaderUnit - 1) / kHeaderUnit * kHeaderUnit, ' ');
  if (header.size() > kSafetensorsHeaderLimit) {
    return Error{
        Errc::kUnsupported, "",
        fmt::format("a header of {} bytes, limit {}", header.size(), kSafetensorsHeaderLimit)};
  }

  LayoutBuilder layout;
  layout.AddLittle(std::uint64_t{header.size()});
  layout.Add(header);
  for (const std::size_t i : order) layout.AddPayload(i, sizes[i]);
  return layout.Take();
}

}  // namespace hallmark
