#include "src/kernels/float8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hallmark {
namespace {

float ValueOf(Dtype dtype, int bits) { return Float8Values(dtype)[static_cast<std::size_t>(bits)]; }

// The tables of "OCP 8-bit Floating Point Specification", section 5.
TEST(Float8Values, OfE4m3) {
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x00), 0.0f);
  EXPECT_TRUE(std::signbit(ValueOf(Dtype::kF8E4m3, 0x80)));
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x01), 0x1p-9f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x07), 0.875f * 0x1p-6f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x08), 0x1p-6f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x38), 1.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0x7e), 448.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3, 0xfe), -448.0f);
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E4m3, 0x7f)));
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E4m3, 0xff)));
}

TEST(Float8Values, OfE5m2) {
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0x01), 0x1p-16f);
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0x04), 0x1p-14f);
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0x3c), 1.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0x7b), 57344.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0x7c), std::numeric_limits<float>::infinity());
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2, 0xfc), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E5m2, 0x7d)));
}

TEST(Float8Values, OfFnuzVariants) {
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3fnuz, 0x40), 1.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3fnuz, 0x7f), 240.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E4m3fnuz, 0x01), 0x1p-10f);
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E4m3fnuz, 0x80)));
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2fnuz, 0x40), 1.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E5m2fnuz, 0x7f), 57344.0f);
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E5m2fnuz, 0x80)));
}

TEST(Float8Values, OfE8m0) {
  EXPECT_EQ(ValueOf(Dtype::kF8E8m0, 0), 0x1p-127f);
  EXPECT_EQ(ValueOf(Dtype::kF8E8m0, 127), 1.0f);
  EXPECT_EQ(ValueOf(Dtype::kF8E8m0, 254), 0x1p127f);
  EXPECT_TRUE(std::isnan(ValueOf(Dtype::kF8E8m0, 255)));
}

TEST(Float8Values, OfNothingElse) { EXPECT_TRUE(Float8Values(Dtype::kU8).empty()); }

}  // namespace
}  // namespace hallmark
