#include "src/kernels/compare.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <random>

#include "src/kernels/round.h"
#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

template <typename T>
ByteSpan BytesOf(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

ValueComparison Compare(const std::vector<float>& a, const std::vector<float>& b) {
  ValueComparison found;
  CompareValues(Dtype::kF32, BytesOf(a), Dtype::kF32, BytesOf(b), &found);
  return found;
}

std::vector<std::byte> As(Dtype dtype, const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * InfoOf(dtype).block_bytes);
  RoundTo(Dtype::kF32, dtype, BytesOf(values), bytes);
  return bytes;
}

// Equal to the last bit.
void ExpectSame(const ValueComparison& x, const ValueComparison& y) {
  EXPECT_EQ(x.values, y.values);
  EXPECT_EQ(x.differing, y.differing);
  EXPECT_EQ(x.sign_flips, y.sign_flips);
  EXPECT_EQ(x.zeros_a, y.zeros_a);
  EXPECT_EQ(x.zeros_b, y.zeros_b);
  EXPECT_EQ(x.nan_a, y.nan_a);
  EXPECT_EQ(x.nan_b, y.nan_b);
  EXPECT_EQ(x.infinite_a, y.infinite_a);
  EXPECT_EQ(x.infinite_b, y.infinite_b);
  EXPECT_EQ(x.not_finite, y.not_finite);
  EXPECT_EQ(x.max_abs_at, y.max_abs_at);
  EXPECT_EQ(x.max_relative_at, y.max_relative_at);
  EXPECT_EQ(x.first_differing, y.first_differing);
  EXPECT_EQ(x.last_differing, y.last_differing);
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  EXPECT_EQ(bits(x.max_abs), bits(y.max_abs)) << x.max_abs << " " << y.max_abs;
  EXPECT_EQ(bits(x.max_relative), bits(y.max_relative)) << x.max_relative << y.max_relative;
  EXPECT_EQ(bits(x.squares_of_difference), bits(y.squares_of_difference));
  EXPECT_EQ(bits(x.squares_a), bits(y.squares_a));
  EXPECT_EQ(bits(x.squares_b), bits(y.squares_b));
  EXPECT_EQ(bits(x.products), bits(y.products));
}

// Values as a model has them, with everything that is odd among them.
struct Pair {
  std::vector<float> a, b;
};
Pair MakePair(std::size_t count, unsigned seed, bool with_odd_ones) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.02f);
  Pair pair{std::vector<float>(count), std::vector<float>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    pair.a[i] = normal(random);
    pair.b[i] = pair.a[i] + 0.01f * normal(random);
    switch (random() % 64) {
      case 0:
        pair.b[i] = 0;
        break;
      case 1:
        pair.b[i] = pair.a[i];
        break;
      case 2:
        pair.a[i] = pair.b[i] = 0;
        break;
      case 3:
        pair.b[i] = -pair.a[i];
        break;
      case 4:
        pair.a[i] = -0.0f, pair.b[i] = 0;
        break;
      default:
        break;
    }
    if (!with_odd_ones) continue;
    switch (random() % 20000) {
      case 0:
        pair.a[i] = std::numeric_limits<float>::quiet_NaN();
        break;
      case 1:
        pair.b[i] = std::numeric_limits<float>::infinity();
        break;
      case 2:
        pair.a[i] = 1e30f;
        break;
      case 3:
        pair.a[i] = 1e-42f;
        break;
      default:
        break;
    }
  }
  return pair;
}

TEST(CompareValues, CountsAndMeasures) {
  const ValueComparison found = Compare({1, -2, 0, 4, 0.5f}, {1, 2, -0.0f, 3, 0.5f});

  EXPECT_EQ(found.values, 5u);
  EXPECT_EQ(found.differing, 3u);  // -0 is not +0
  EXPECT_EQ(found.sign_flips, 1u);
  EXPECT_EQ(found.zeros_a, 1u);
  EXPECT_EQ(found.zeros_b, 1u);
  EXPECT_EQ(found.max_abs, 4);
  EXPECT_EQ(found.max_abs_at, 1u);
  EXPECT_EQ(found.max_relative, 2);
  EXPECT_EQ(found.max_relative_at, 1u);
  EXPECT_EQ(found.first_differing, 1u);
  EXPECT_EQ(found.last_differing, 3u);
  EXPECT_EQ(found.squares_of_difference, 17);
  EXPECT_EQ(found.squares_a, 21.25);
  EXPECT_EQ(found.squares_b, 14.25);
  EXPECT_EQ(found.products, 9.25);
  EXPECT_DOUBLE_EQ(found.Rms(), std::sqrt(17.0 / 5));
  EXPECT_DOUBLE_EQ(found.Cosine(), 9.25 / std::sqrt(21.25 * 14.25));
  EXPECT_DOUBLE_EQ(found.RelativeNorm(), std::sqrt(17 / 21.25));
}

TEST(CompareValues, LeavesWhatIsNotFiniteOutOfSums) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const ValueComparison found = Compare({1, nan, 3, -inf, nan}, {2, nan, inf, -inf, 5});

  EXPECT_EQ(found.values, 5u);
  EXPECT_EQ(found.differing, 3u);  // equal patterns of NaN and of infinity are equal
  EXPECT_EQ(found.nan_a, 2u);
  EXPECT_EQ(found.nan_b, 1u);
  EXPECT_EQ(found.infinite_a, 1u);
  EXPECT_EQ(found.infinite_b, 2u);
  EXPECT_EQ(found.not_finite, 4u);
  EXPECT_EQ(found.FinitePairs(), 1u);
  EXPECT_EQ(found.max_abs, 1);
  EXPECT_EQ(found.squares_a, 1);
  EXPECT_EQ(found.Rms(), 1);
}

TEST(CompareValues, NothingIsLostWhereF32IsTooNarrow) {
  const std::vector<float> large(100, 3e38f), small(100, 1e-30f), none(100, 0);
  EXPECT_NEAR(Compare(large, none).RelativeNorm(), 1, 1e-12);
  EXPECT_NEAR(Compare(large, none).squares_a / (100 * 9e76), 1, 1e-6);
  EXPECT_NEAR(Compare(small, none).squares_of_difference / 1e-58, 1, 1e-6);
  std::vector<float> nearly = {1.0f, 1.0f};
  EXPECT_EQ(Compare(nearly, {1.0f, std::nextafterf(1.0f, 2)}).max_abs, 0x1p-23);
}

TEST(CompareValues, OfNothingIsNothing) {
  const ValueComparison found = Compare({}, {});
  EXPECT_EQ(found.values, 0u);
  EXPECT_EQ(found.Rms(), 0);
  EXPECT_EQ(found.RelativeNorm(), 0);
}

TEST(CompareValues, TakesWholeNumbersAndSmallFloats) {
  ValueComparison found;
  const std::vector<std::int64_t> a = {1, (std::int64_t{1} << 60) + 1, -5};
  const std::vector<std::int64_t> b = {1, std::int64_t{1} << 60, 5};
  CompareValues(Dtype::kI64, BytesOf(a), Dtype::kI64, BytesOf(b), &found);
  EXPECT_EQ(found.differing, 2u);  // though f64 can't tell the first pair apart
  EXPECT_EQ(found.sign_flips, 1u);
  EXPECT_EQ(found.max_abs, 10);

  ValueComparison small;
  const std::vector<std::uint8_t> eights = {0x38, 0xb8, 0x7e};  // e4m3: 1, -1, 448
  const std::vector<float> floats = {1, -1, 448};
  CompareValues(Dtype::kF8E4m3, BytesOf(eights), Dtype::kF32, BytesOf(floats), &small);
  EXPECT_EQ(small.differing, 0u);
  EXPECT_EQ(small.squares_a, 2 + 448.0 * 448);

  EXPECT_FALSE(CanCompare(Dtype::kC64));
  EXPECT_FALSE(CanCompare(Dtype::kF4E2m1));
}

TEST(Append, AddsUpAsIfItWereOneCall) {
  const Pair pair = MakePair(3 * kCompareBatch + 77, 1, true);
  const ValueComparison whole = Compare(pair.a, pair.b);
  const auto part = [&](std::size_t from, std::size_t to) {
    return Compare({pair.a.begin() + static_cast<std::ptrdiff_t>(from),
                    pair.a.begin() + static_cast<std::ptrdiff_t>(to)},
                   {pair.b.begin() + static_cast<std::ptrdiff_t>(from),
                    pair.b.begin() + static_cast<std::ptrdiff_t>(to)});
  };
  ValueComparison sum = part(0, 2 * kCompareBatch);
  sum.Append(part(2 * kCompareBatch, pair.a.size()));

  EXPECT_EQ(sum.differing, whole.differing);
  EXPECT_EQ(sum.max_abs_at, whole.max_abs_at);
  EXPECT_EQ(sum.max_relative_at, whole.max_relative_at);
  EXPECT_EQ(sum.first_differing, whole.first_differing);
  EXPECT_EQ(sum.last_differing, whole.last_differing);
  EXPECT_EQ(sum.not_finite, whole.not_finite);
  EXPECT_NEAR(sum.squares_a / whole.squares_a, 1, 1e-12);
}

TEST(CompareUlps, CountsDistancesInStepsOfTheUnit) {
  const std::vector<float> a = {1, 1, 1, 0.0f, -1, std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> b = a;
  b[1] = std::nextafterf(1, 2);
  b[2] = 2;      // 2^23 steps
  b[3] = -0.0f;  // one step
  UlpHistogram in_f32, in_bf16;
  CompareUlps(Dtype::kF32, BytesOf(a), Dtype::kF32, BytesOf(b), Dtype::kF32, &in_f32);
  CompareUlps(Dtype::kF32, BytesOf(a), Dtype::kF32, BytesOf(b), Dtype::kBf16, &in_bf16);

  EXPECT_EQ(in_f32.bins[0], 2u);
  EXPECT_EQ(in_f32.bins[1], 2u);
  EXPECT_EQ(in_f32.bins[24], 1u);
  EXPECT_EQ(in_bf16.bins[0], 3u);
  EXPECT_EQ(in_bf16.bins[1], 1u);
  EXPECT_EQ(in_bf16.bins[8], 1u);
}

class CompareOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, CompareOnTarget, testing::ValuesIn(Targets()), TargetName);

// Vectors of any width, and values of any type, give what the definition gives.
TEST_P(CompareOnTarget, IsTheDefinition) {
  for (const bool with_odd_ones : {false, true}) {
    const Pair pair = MakePair(6 * kCompareBatch + 45, with_odd_ones ? 7 : 3, with_odd_ones);
    for (const Dtype type_a : {Dtype::kF32, Dtype::kBf16, Dtype::kF16, Dtype::kF64}) {
      for (const Dtype type_b : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
        SCOPED_TRACE(std::string(DtypeName(type_a)) + " " + std::string(DtypeName(type_b)));
        const auto a = As(type_a, pair.a), b = As(type_b, pair.b);
        ValueComparison fast, defined;
        CompareValues(type_a, a, type_b, b, &fast);
        CompareValuesByDefinition(type_a, a, type_b, b, &defined);
        ExpectSame(fast, defined);
      }
    }
  }
}

TEST_P(CompareOnTarget, DoesNotDependOnTheTypeValuesAreKeptInNorOnCalls) {
  const Pair pair = MakePair(4 * kCompareBatch, 5, false);
  const auto a = As(Dtype::kBf16, pair.a), b = As(Dtype::kBf16, pair.b);
  std::vector<float> wide_a(pair.a.size()), wide_b(pair.b.size());
  RoundTo(Dtype::kBf16, Dtype::kF32, a, std::as_writable_bytes(std::span(wide_a)));
  RoundTo(Dtype::kBf16, Dtype::kF32, b, std::as_writable_bytes(std::span(wide_b)));
  ValueComparison narrow, in_pieces;
  CompareValues(Dtype::kBf16, a, Dtype::kBf16, b, &narrow);
  ExpectSame(narrow, Compare(wide_a, wide_b));
  for (std::size_t at = 0; at < a.size(); at += 2 * kCompareBatch) {
    CompareValues(Dtype::kBf16, ByteSpan(a).subspan(at, 2 * kCompareBatch), Dtype::kBf16,
                  ByteSpan(b).subspan(at, 2 * kCompareBatch), &in_pieces);
  }
  ExpectSame(narrow, in_pieces);
}

// A step is what nextafter makes.
TEST_P(CompareOnTarget, CountsUlpsAsOneByOne) {
  const Pair pair = MakePair(3000, 9, true);
  for (const Dtype unit : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    const auto a = As(unit, pair.a), b = As(unit, pair.b);
    const std::size_t width = InfoOf(unit).block_bytes;
    const int sign_bit = 8 * static_cast<int>(width) - 1;
    const std::int64_t infinity = unit == Dtype::kF32   ? 0x7f800000
                                  : unit == Dtype::kF16 ? 0x7c00
                                                        : 0x7f80;
    UlpHistogram expected;
    for (std::size_t i = 0; i < pair.a.size(); ++i) {
      const auto place = [&](const std::vector<std::byte>& of) -> std::optional<std::int64_t> {
        std::uint32_t bits = 0;
        std::memcpy(&bits, of.data() + i * width, width);
        const std::int64_t magnitude = bits & ((std::uint32_t{1} << sign_bit) - 1);
        if (magnitude > infinity) return std::nullopt;
        return (bits >> sign_bit) != 0 ? -magnitude - 1 : magnitude;
      };
      if (!place(a) || !place(b)) continue;
      const std::int64_t distance = std::abs(*place(a) - *place(b));
      std::size_t bin = 0;
      while (bin < 33 && distance >= (std::int64_t{1} << bin)) ++bin;
      ++expected.bins[bin];
    }
    UlpHistogram found;
    CompareUlps(unit, a, unit, b, unit, &found);
    EXPECT_EQ(found.bins, expected.bins) << DtypeName(unit);
  }
}

}  // namespace
}  // namespace hallmark
