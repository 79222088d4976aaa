#include "src/tensor/tensor_info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

#include "src/base/checked.h"

namespace hallmark {
namespace {

constexpr std::size_t kMostDimensionsShown = 64;  // torch makes no more, a hostile file may

}  // namespace

Result<std::uint64_t> ElementCount(const Shape& shape) {
  for (const std::uint64_t dimension : shape) {
    if (dimension >= std::uint64_t{1} << 53) {
      return Error{Errc::kMalformed, "", fmt::format("dimension {}, limit 2^53 - 1", dimension)};
    }
  }
  const auto count = CheckedProduct(shape);
  if (!count || *count > std::uint64_t{1} << 63) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the shape {} has more than 2^63 elements", ShapeText(shape))};
  }
  return *count;
}

Result<std::uint64_t> PayloadBytes(Dtype dtype, const Shape& shape) {
  const std::uint64_t count = HM_TRY(ElementCount(shape));
  const DtypeInfo& info = InfoOf(dtype);
  // Rows of block types are whole blocks; sub-byte plain types only fill whole bytes as a whole.
  const std::uint64_t divided =
      info.is_block_quantised ? (shape.empty() ? 1 : shape.back()) : count;
  if (divided % info.block_values != 0) {
    return Error{Errc::kMalformed, "",
                 fmt::format("{} values of type {} are not whole blocks of {}", divided, info.name,
                             info.block_values)};
  }
  const auto bytes = CheckedMul(count / info.block_values, info.block_bytes);
  if (!bytes || *bytes > std::uint64_t{1} << 63) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the shape {} takes more than 2^63 bytes", ShapeText(shape))};
  }
  return *bytes;
}

std::string ShapeText(const Shape& shape) {
  if (shape.empty()) return "scalar";
  if (shape.size() <= kMostDimensionsShown) return fmt::format("{}", fmt::join(shape, "x"));
  return fmt::format("{}x… ({} dimensions)",
                     fmt::join(std::span(shape).first(kMostDimensionsShown), "x"), shape.size());
}

}  // namespace hallmark
