#include "formats/npz_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "formats/layout_builder.h"
#include "formats/npy_header.h"
#include "formats/tensor_layout.h"
#include "formats/zip_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::string_view kVersion1("\x01\x00", 2);
constexpr std::size_t kLengthBytes = 2;  // of the header's length in version 1
constexpr std::size_t kDataUnit = 64;    // the values begin at a multiple of it
// numpy leaves room for the first dimension to grow in place up to this many digits.
constexpr std::size_t kGrowthDigits = 21;

// As Python writes a tuple.
std::string Tuple(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

// All that comes before the values. It fits version 1, whose header ends below 64 KiB: 64
// dimensions take less than 2.
Result<std::string> NpyStart(const TensorToWrite& tensor) {
  const std::optional<std::string> type = NpyTypeOf(tensor.dtype);
  if (!type) return NoTypeFor(tensor, "numpy");
  if (tensor.shape.size() > kNpyMostDimensions) {
    return InTensorToWrite(
        tensor, Errc::kUnsupported,
        fmt::format("{} dimensions, numpy's limit is {}", tensor.shape.size(), kNpyMostDimensions));
  }
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                   *type, Tuple(tensor.shape));
  if (!tensor.shape.empty()) {
    header.append(kGrowthDigits - fmt::formatted_size("{}", tensor.shape[0]), ' ');
  }
  const std::size_t before = kNpyMagic.size() + kVersion1.size() + kLengthBytes;
  const std::size_t end = (before + header.size() + 1 + kDataUnit - 1) / kDataUnit * kDataUnit;
  header.resize(end - before - 1, ' ');
  header += '\n';
  std::byte length[kLengthBytes];
  StoreLittle(length, static_cast<std::uint16_t>(header.size()));
  return fmt::format("{}{}{}{}", kNpyMagic, kVersion1, AsText(length), header);
}

// numpy.load looks for an entry of the very name before it adds .npy.
Result<void> CheckNotMistaken(std::span<const TensorToWrite> tensors) {
  std::unordered_set<std::string_view> names;
  for (const TensorToWrite& tensor : tensors) names.insert(tensor.name);
  for (const TensorToWrite& tensor : tensors) {
    std::string_view name = tensor.name;
    if (!name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    if (!names.contains(name)) continue;
    return InTensorToWrite(tensor, Errc::kMalformed,
                           fmt::format("numpy would give {} under this name", QuoteName(name)));
  }
  return {};
}

}  // namespace

Result<FileLayout> LayOutNpz(std::span<const TensorToWrite> tensors) {
  const std::vector<std::uint64_t> sizes = HM_TRY(MeasureTensors(tensors));
  HM_TRY(CheckNotMistaken(tensors));
  std::vector<ZipEntryToWrite> entries;
  entries.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    entries.push_back({tensors[i].name + std::string(kSuffix), HM_TRY(NpyStart(tensors[i])), i});
  }
  return LayOutZip(entries, sizes);
}

}  // namespace hallmark
