#include "formats/layout_builder.h"

#include <fmt/format.h>

#include "formats/tensor_layout.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMostPayload = std::uint64_t{1} << 62;

// Whether --dtype f32 keeps what the elements mean.
bool HoldsReals(Dtype dtype) {
  switch (dtype) {
    case Dtype::kBool:
    case Dtype::kU8:
    case Dtype::kI8:
    case Dtype::kU16:
    case Dtype::kI16:
    case Dtype::kU32:
    case Dtype::kI32:
    case Dtype::kU64:
    case Dtype::kI64:
    case Dtype::kC32:
    case Dtype::kC64:
    case Dtype::kC128:
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<std::vector<std::uint64_t>> MeasureTensors(std::span<const TensorToWrite> tensors) {
  std::vector<std::uint64_t> sizes;
  std::vector<std::string_view> names;
  sizes.reserve(tensors.size());
  names.reserve(tensors.size());
  std::uint64_t total = 0;
  for (const TensorToWrite& tensor : tensors) {
    const Result<std::uint64_t> bytes = PayloadBytes(tensor.dtype, tensor.shape);
    if (!bytes) return InTensorToWrite(tensor, bytes.error().code, bytes.error().message);
    if (*bytes > kMostPayload - total) {
      return InTensorToWrite(tensor, Errc::kMalformed, "with it there are more than 2^62 bytes");
    }
    total += *bytes;
    sizes.push_back(*bytes);
    names.push_back(tensor.name);
  }
  HM_TRY(CheckUnique(names, "tensor name", ""));
  return sizes;
}

Error InTensorToWrite(const TensorToWrite& tensor, Errc code, std::string_view message) {
  return Error{code, "", fmt::format("tensor {}: {}", QuoteName(tensor.name), message)};
}

Error NoTypeFor(const TensorToWrite& tensor, std::string_view container) {
  Error error = InTensorToWrite(
      tensor, Errc::kUnsupported,
      fmt::format("{} has no type for {} values", container, DtypeName(tensor.dtype)));
  if (HoldsReals(tensor.dtype)) error.hint = "--dtype f32 writes what the values are as f32";
  return error;
}

void LayoutBuilder::Add(ByteSpan literal) {
  if (literal.empty()) return;
  std::vector<FileLayout::Literal>& literals = layout_.literals;
  if (literals.empty() || literals.back().offset + literals.back().bytes.size() != layout_.size) {
    literals.push_back({layout_.size, {}});
  }
  std::vector<std::byte>& bytes = literals.back().bytes;
  bytes.insert(bytes.end(), literal.begin(), literal.end());
  layout_.size += literal.size();
}

void LayoutBuilder::PadTo(std::uint64_t unit) {
  const std::uint64_t padded = *CheckedRoundUp(layout_.size, unit);
  Add(std::vector<std::byte>(padded - layout_.size));
}

void LayoutBuilder::AddPayload(std::size_t tensor, std::uint64_t bytes) {
  layout_.payloads.push_back({layout_.size, tensor});
  layout_.size += bytes;
}

void LayoutBuilder::AddChecksumOf(std::size_t tensor, std::uint32_t before) {
  layout_.checksums.push_back({layout_.size, tensor, before});
  AddLittle(std::uint32_t{0});
}

}  // namespace hallmark
