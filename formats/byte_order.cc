#include "formats/byte_order.h"

#include <algorithm>
#include <array>
#include <span>

#include "src/base/error.h"

namespace hallmark {
namespace {

// `count` numbers of `bytes` bytes each, from byte `offset` of a block.
struct Numbers {
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint32_t count;
};

struct BlockRow {
  Dtype dtype;
  std::array<Numbers, 2> numbers;
};

// The structs of ggml-common.h; arrays of bytes that ggml copies from and to uint32_t or uint16_t
// count as those (qh of Q5_0 and Q5_1, the signs of IQ3_XXS, the scales of IQ1_M).
constexpr std::array kBlocks = {
    BlockRow{Dtype::kQ4_0, {{{0, 2, 1}}}},
    BlockRow{Dtype::kQ4_1, {{{0, 2, 2}}}},
    BlockRow{Dtype::kQ5_0, {{{0, 2, 1}, {2, 4, 1}}}},
    BlockRow{Dtype::kQ5_1, {{{0, 2, 2}, {4, 4, 1}}}},
    BlockRow{Dtype::kQ8_0, {{{0, 2, 1}}}},
    BlockRow{Dtype::kQ8_1, {{{0, 2, 2}}}},
    BlockRow{Dtype::kQ2_K, {{{80, 2, 2}}}},
    BlockRow{Dtype::kQ3_K, {{{108, 2, 1}}}},
    BlockRow{Dtype::kQ4_K, {{{0, 2, 2}}}},
    BlockRow{Dtype::kQ5_K, {{{0, 2, 2}}}},
    BlockRow{Dtype::kQ6_K, {{{208, 2, 1}}}},
    BlockRow{Dtype::kQ8_K, {{{0, 4, 1}, {260, 2, 16}}}},
    BlockRow{Dtype::kIq2Xs, {{{0, 2, 33}}}},
    BlockRow{Dtype::kIq3Xxs, {{{0, 2, 1}, {66, 4, 8}}}},
    BlockRow{Dtype::kIq1S, {{{0, 2, 1}, {34, 2, 8}}}},
    BlockRow{Dtype::kIq4Nl, {{{0, 2, 1}}}},
    BlockRow{Dtype::kIq3S, {{{0, 2, 1}}}},
    BlockRow{Dtype::kIq2S, {{{0, 2, 1}}}},
    BlockRow{Dtype::kIq4Xs, {{{0, 2, 2}}}},
    BlockRow{Dtype::kIq1M, {{{48, 2, 4}}}},
    BlockRow{Dtype::kTq1_0, {{{52, 2, 1}}}},
    BlockRow{Dtype::kTq2_0, {{{64, 2, 1}}}},
    BlockRow{Dtype::kMxfp4, {}},
    BlockRow{Dtype::kNvfp4, {}},
    BlockRow{Dtype::kQ1_0, {{{0, 2, 1}}}},
    BlockRow{Dtype::kQ2_0, {{{0, 2, 1}}}},
};

const BlockRow* RowOf(Dtype dtype) {
  for (const BlockRow& row : kBlocks) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

}  // namespace

void SwapEach(MutableByteSpan bytes, std::size_t unit) {
  if (unit < 2) return;
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    std::reverse(bytes.data() + i, bytes.data() + i + unit);
  }
}

bool HasByteOrder(Dtype dtype) {
  const DtypeInfo& info = InfoOf(dtype);
  return info.is_block_quantised ? RowOf(dtype) != nullptr : info.component_bytes != 0;
}

bool HoldsWideNumbers(Dtype dtype) {
  const DtypeInfo& info = InfoOf(dtype);
  if (!info.is_block_quantised) return info.component_bytes > 1;
  const BlockRow* row = RowOf(dtype);
  return row != nullptr && row->numbers[0].count != 0;
}

void SwapByteOrder(Dtype dtype, MutableByteSpan bytes) {
  HM_CHECK(HasByteOrder(dtype));
  const DtypeInfo& info = InfoOf(dtype);
  HM_CHECK(bytes.size() % info.block_bytes == 0);
  if (!info.is_block_quantised) return SwapEach(bytes, info.component_bytes);
  const BlockRow& row = *RowOf(dtype);
  for (std::size_t block = 0; block < bytes.size(); block += info.block_bytes) {
    for (const Numbers& numbers : row.numbers) {
      SwapEach(bytes.subspan(block + numbers.offset, numbers.count * numbers.bytes), numbers.bytes);
    }
  }
}

}  // namespace hallmark
