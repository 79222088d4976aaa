#include "src/kernels/float8.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace hallmark {
namespace {

using Values = std::array<float, 256>;

struct Format {
  int exponent_bits;
  int fraction_bits;
  int bias;
  enum { kIeee, kFn, kFnuz } specials;  // kFn: no infinities; kFnuz: also no -0, its pattern is NaN
};

Values MakeValues(const Format& format) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const int top = (1 << format.exponent_bits) - 1;
  const int all_ones = (1 << format.fraction_bits) - 1;
  Values values;
  for (int bits = 0; bits < 256; ++bits) {
    const int exponent = bits >> format.fraction_bits & top;
    const int fraction = bits & all_ones;
    const float significand = static_cast<float>(fraction + (exponent != 0 ? all_ones + 1 : 0));
    float value =
        std::ldexp(significand, std::max(exponent, 1) - format.bias - format.fraction_bits);
    // The payload of a NaN is kept, as it is where the other types are widened.
    const auto nan_bits = 0x7f800000u | static_cast<std::uint32_t>(fraction)
                                            << (23 - format.fraction_bits);
    if (format.specials == Format::kIeee && exponent == top) {
      value = std::bit_cast<float>(nan_bits);  // infinity, of fraction 0
    }
    if (format.specials == Format::kFn && exponent == top && fraction == all_ones) {
      value = std::bit_cast<float>(nan_bits);
    }
    values[static_cast<std::size_t>(bits)] = (bits & 0x80) != 0 ? -value : value;
  }
  if (format.specials == Format::kFnuz) values[0x80] = nan;
  return values;
}

Values MakePowers() {
  Values values;
  for (int bits = 0; bits < 255; ++bits) {
    values[static_cast<std::size_t>(bits)] = std::ldexp(1.0f, bits - 127);
  }
  values[255] = std::numeric_limits<float>::quiet_NaN();
  return values;
}

}  // namespace

std::span<const float> Float8Values(Dtype dtype) {
  static const Values e4m3 = MakeValues({4, 3, 7, Format::kFn});
  static const Values e5m2 = MakeValues({5, 2, 15, Format::kIeee});
  static const Values e4m3fnuz = MakeValues({4, 3, 8, Format::kFnuz});
  static const Values e5m2fnuz = MakeValues({5, 2, 16, Format::kFnuz});
  static const Values e8m0 = MakePowers();
  switch (dtype) {
    case Dtype::kF8E4m3:
      return e4m3;
    case Dtype::kF8E5m2:
      return e5m2;
    case Dtype::kF8E4m3fnuz:
      return e4m3fnuz;
    case Dtype::kF8E5m2fnuz:
      return e5m2fnuz;
    case Dtype::kF8E8m0:
      return e8m0;
    default:
      return {};
  }
}

}  // namespace hallmark
