#include "src/tensor/tensor_info.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::uint64_t k2To52 = std::uint64_t{1} << 52;
constexpr std::uint64_t k2To53 = std::uint64_t{1} << 53;

std::string MessageOf(const Result<std::uint64_t>& result) {
  if (result) return "no error, " + std::to_string(*result);
  EXPECT_EQ(result.error().code, Errc::kMalformed);
  EXPECT_EQ(result.error().subject, "");
  return result.error().message;
}

TEST(ElementCount, IsTheProductOfTheShape) {
  EXPECT_EQ(*ElementCount({}), 1u);
  EXPECT_EQ(*ElementCount({7}), 7u);
  EXPECT_EQ(*ElementCount({4096, 11008}), 45088768u);
  EXPECT_EQ(*ElementCount({3, 0, 5}), 0u);
}

TEST(ElementCount, RefusesShapesThatLie) {
  EXPECT_EQ(MessageOf(ElementCount({k2To53})), "dimension 9007199254740992, limit 2^53 - 1");
  EXPECT_EQ(*ElementCount({k2To53 - 1}), k2To53 - 1);
  EXPECT_THAT(MessageOf(ElementCount({k2To52, k2To52})), testing::HasSubstr("more than 2^63"));
  // A zero further on does not excuse an overflow before it.
  EXPECT_THAT(MessageOf(ElementCount({k2To52, k2To52, 0})), testing::HasSubstr("more than 2^63"));
  EXPECT_THAT(MessageOf(ElementCount({k2To52, 3 << 11})), testing::HasSubstr("more than 2^63"));
}

TEST(PayloadBytes, CountsPlainTypesByElement) {
  EXPECT_EQ(*PayloadBytes(Dtype::kF32, {2, 3}), 24u);
  EXPECT_EQ(*PayloadBytes(Dtype::kBf16, {}), 2u);
  EXPECT_EQ(*PayloadBytes(Dtype::kC128, {2}), 32u);
  EXPECT_EQ(*PayloadBytes(Dtype::kF64, {0, 5}), 0u);
}

TEST(PayloadBytes, CountsBlockTypesByRowsOfWholeBlocks) {
  EXPECT_EQ(*PayloadBytes(Dtype::kQ4_0, {3, 64}), 3u * 2 * 18);
  EXPECT_EQ(*PayloadBytes(Dtype::kQ6_K, {2, 512}), 2u * 2 * 210);
  EXPECT_EQ(*PayloadBytes(Dtype::kQ4_0, {0, 64}), 0u);
  // 4 x 8 values would fill a block of 32, but no row does.
  EXPECT_EQ(MessageOf(PayloadBytes(Dtype::kQ4_0, {4, 8})),
            "8 values of type q4_0 are not whole blocks of 32");
  EXPECT_EQ(MessageOf(PayloadBytes(Dtype::kQ4_K, {2, 128})),
            "128 values of type q4_k are not whole blocks of 256");
  EXPECT_EQ(MessageOf(PayloadBytes(Dtype::kQ8_0, {})),
            "1 values of type q8_0 are not whole blocks of 32");
}

TEST(PayloadBytes, CountsSubByteTypesAsAWhole) {
  EXPECT_EQ(*PayloadBytes(Dtype::kF4E2m1, {3, 2}), 3u);
  EXPECT_EQ(*PayloadBytes(Dtype::kF6E2m3, {2, 2}), 3u);
  EXPECT_EQ(MessageOf(PayloadBytes(Dtype::kF4E2m1, {3})),
            "3 values of type f4_e2m1 are not whole blocks of 2");
}

TEST(PayloadBytes, RefusesSizesBeyond63Bits) {
  EXPECT_THAT(MessageOf(PayloadBytes(Dtype::kF64, {k2To52, 1 << 10})),
              testing::HasSubstr("more than 2^63 bytes"));
  EXPECT_EQ(*PayloadBytes(Dtype::kU8, {k2To52, 1 << 11}), std::uint64_t{1} << 63);
}

TEST(ShapeText, ReadsAsPeopleWriteIt) {
  EXPECT_EQ(ShapeText({}), "scalar");
  EXPECT_EQ(ShapeText({4096, 11008}), "4096x11008");
  EXPECT_LT(ShapeText(Shape(200'000, 1)).size(), 200u);
}

}  // namespace
}  // namespace hallmark
