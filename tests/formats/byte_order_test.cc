#include "formats/byte_order.h"

#include <algorithm>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// What becomes of the bytes 0, 1, 2, … of one element or block.
std::vector<int> Swapped(Dtype dtype) {
  std::vector<std::byte> bytes(InfoOf(dtype).block_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  SwapByteOrder(dtype, bytes);
  std::vector<int> order;
  for (const std::byte byte : bytes) order.push_back(std::to_integer<int>(byte));
  return order;
}

// 0, 1, 2, … with these ranges [first, end) reversed in units.
struct Range {
  int first, end, unit;
};
std::vector<int> Reversed(std::size_t size, std::initializer_list<Range> ranges) {
  std::vector<int> order(size);
  for (std::size_t i = 0; i < size; ++i) order[i] = static_cast<int>(i & 0xff);
  for (const Range& range : ranges) {
    for (int at = range.first; at < range.end; at += range.unit) {
      std::reverse(order.begin() + at, order.begin() + at + range.unit);
    }
  }
  return order;
}

TEST(SwapByteOrder, ReversesEveryComponentOfPlainTypes) {
  EXPECT_EQ(Swapped(Dtype::kI8), (std::vector<int>{0}));
  EXPECT_EQ(Swapped(Dtype::kBf16), (std::vector<int>{1, 0}));
  EXPECT_EQ(Swapped(Dtype::kF32), (std::vector<int>{3, 2, 1, 0}));
  EXPECT_EQ(Swapped(Dtype::kI64), (std::vector<int>{7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(Swapped(Dtype::kC64), (std::vector<int>{3, 2, 1, 0, 7, 6, 5, 4}));
}

// The structs of ggml-common.h, field by field.
TEST(SwapByteOrder, ReversesTheNumbersOfABlock) {
  EXPECT_EQ(Swapped(Dtype::kQ4_0), Reversed(18, {{0, 2, 2}}));             // d
  EXPECT_EQ(Swapped(Dtype::kQ4_1), Reversed(20, {{0, 4, 2}}));             // d, m
  EXPECT_EQ(Swapped(Dtype::kQ5_0), Reversed(22, {{0, 2, 2}, {2, 6, 4}}));  // d, qh
  EXPECT_EQ(Swapped(Dtype::kQ5_1), Reversed(24, {{0, 4, 2}, {4, 8, 4}}));  // d, m, qh
  EXPECT_EQ(Swapped(Dtype::kQ8_0), Reversed(34, {{0, 2, 2}}));
  EXPECT_EQ(Swapped(Dtype::kQ2_K), Reversed(84, {{80, 84, 2}}));     // scales, qs, d, dmin
  EXPECT_EQ(Swapped(Dtype::kQ3_K), Reversed(110, {{108, 110, 2}}));  // hmask, qs, scales, d
  EXPECT_EQ(Swapped(Dtype::kQ4_K), Reversed(144, {{0, 4, 2}}));
  EXPECT_EQ(Swapped(Dtype::kQ5_K), Reversed(176, {{0, 4, 2}}));
  EXPECT_EQ(Swapped(Dtype::kQ6_K), Reversed(210, {{208, 210, 2}}));             // ql, qh, scales, d
  EXPECT_EQ(Swapped(Dtype::kQ8_K), Reversed(292, {{0, 4, 4}, {260, 292, 2}}));  // d, qs, bsums
  EXPECT_EQ(Swapped(Dtype::kIq2Xs), Reversed(74, {{0, 66, 2}}));                // d, qs, scales
  EXPECT_EQ(Swapped(Dtype::kIq4Xs), Reversed(136, {{0, 4, 2}}));                // d, scales_h
  EXPECT_EQ(Swapped(Dtype::kIq1S), Reversed(50, {{0, 2, 2}, {34, 50, 2}}));     // d, qs, qh
  EXPECT_EQ(Swapped(Dtype::kTq1_0), Reversed(54, {{52, 54, 2}}));               // qs, qh, d
  EXPECT_EQ(Swapped(Dtype::kMxfp4), Reversed(17, {}));
}

TEST(SwapByteOrder, UndoesItself) {
  for (int i = 0; i <= static_cast<int>(Dtype::kQ2_0); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    if (!HasByteOrder(dtype)) continue;
    std::vector<std::byte> bytes(3 * InfoOf(dtype).block_bytes);
    for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(at);
    const std::vector<std::byte> before = bytes;
    SwapByteOrder(dtype, bytes);
    EXPECT_EQ(bytes != before, HoldsWideNumbers(dtype)) << DtypeName(dtype);
    SwapByteOrder(dtype, bytes);
    EXPECT_EQ(bytes, before) << DtypeName(dtype);
  }
}

TEST(HasByteOrder, IsFalseWhereNobodyCanTell) {
  for (const Dtype dtype : {Dtype::kF6E2m3, Dtype::kIq2Xxs, Dtype::kQ4_0Ggjt1}) {
    EXPECT_FALSE(HasByteOrder(dtype)) << DtypeName(dtype);
    EXPECT_FALSE(HoldsWideNumbers(dtype)) << DtypeName(dtype);
  }
}

}  // namespace
}  // namespace hallmark
