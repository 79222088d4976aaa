#include "src/kernels/quantise_scales.h"

#include <algorithm>
#include <cmath>

#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_fit.h"

namespace hallmark {
namespace {

std::uint8_t Byte(int number) { return static_cast<std::uint8_t>(number); }

// Numbers from zero to `most` against the largest. Returns what one is.
float RoundAgainstLargest(const float* scales, int count, int most, std::uint8_t* rounded) {
  float largest = 0;
  for (int i = 0; i < count; ++i) {
    if (scales[i] > largest) largest = scales[i];
  }
  const float inverse = largest > 0 ? static_cast<float>(most) / largest : 0;
  for (int i = 0; i < count; ++i) rounded[i] = Byte(NearestInt(inverse * scales[i]));
  return largest / static_cast<float>(most);
}

template <typename Block>
void RoundQ4Or5(const GroupFits& fits, bool clamp, Block& block, float* scales, float* minima) {
  ScalesQ4 rounded;
  if (fits.weight_sums != nullptr) {
    block.d = ToF16(FitPositive(8, 63, fits.scales, fits.weight_sums, rounded.scale));
    block.dmin = ToF16(FitPositive(8, 63, fits.minima, fits.weight_sums, rounded.minimum));
  } else {
    block.d = ToF16(RoundAgainstLargest(fits.scales, 8, 63, rounded.scale));
    block.dmin = ToF16(RoundAgainstLargest(fits.minima, 8, 63, rounded.minimum));
  }
  if (clamp) {
    for (std::uint8_t& scale : rounded.scale) scale = std::min(Byte(63), scale);
    for (std::uint8_t& minimum : rounded.minimum) minimum = std::min(Byte(63), minimum);
  }
  PackScalesQ4(rounded, block.scales);
  rounded = UnpackScalesQ4(block.scales);
  const float d = FromF16(block.d), dmin = FromF16(block.dmin);
  for (int i = 0; i < 8; ++i) {
    scales[i] = d * rounded.scale[i];
    minima[i] = dmin * rounded.minimum[i];
  }
}

}  // namespace

void RoundScales(const GroupFits& fits, BlockQ2_K& block, float* scales, float* minima) {
  std::uint8_t rounded_scales[16], rounded_minima[16];
  if (fits.weight_sums != nullptr) {
    block.d = ToF16(FitPositive(16, 15, fits.scales, fits.weight_sums, rounded_scales));
    block.dmin = ToF16(FitPositive(16, 15, fits.minima, fits.weight_sums, rounded_minima));
  } else {
    block.d = ToF16(RoundAgainstLargest(fits.scales, 16, 15, rounded_scales));
    block.dmin = ToF16(RoundAgainstLargest(fits.minima, 16, 15, rounded_minima));
  }
  const float d = FromF16(block.d), dmin = FromF16(block.dmin);
  for (int i = 0; i < 16; ++i) {
    block.scales[i] = Byte(rounded_scales[i] | rounded_minima[i] << 4);
    scales[i] = d * static_cast<float>(block.scales[i] & 15);
    minima[i] = dmin * static_cast<float>(block.scales[i] >> 4);
  }
}

void RoundScales(const GroupFits& fits, BlockQ3_K& block, float* scales, float* minima) {
  std::uint8_t rounded[16];
  if (fits.weight_sums != nullptr) {
    block.d = ToF16(FitSigned(16, 32, fits.scales, fits.weight_sums, rounded));
    PackScalesQ3(rounded, block.scales);
  } else if (const float largest = ValueOfLargestMagnitude(16, fits.scales); largest != 0) {
    const float inverse = -32 / largest;
    for (int i = 0; i < 16; ++i) {
      const auto scale = static_cast<std::int8_t>(NearestInt(inverse * fits.scales[i]));
      rounded[i] = Byte(std::max(-32, std::min(31, int{scale})) + 32);
    }
    PackScalesQ3(rounded, block.scales);
    block.d = ToF16(1 / inverse);
  } else {
    std::fill_n(block.scales, sizeof block.scales, std::uint8_t{0});
    block.d = ToF16(0);
  }
  const float d = FromF16(block.d);
  const ScalesQ3 unpacked = UnpackScalesQ3(block.scales);
  for (int i = 0; i < 16; ++i) scales[i] = d * unpacked.scale[i];
  std::fill_n(minima, 16, 0.0f);
}

void RoundScales(const GroupFits& fits, BlockQ4_K& block, float* scales, float* minima) {
  RoundQ4Or5(fits, fits.weight_sums == nullptr, block, scales, minima);
}
void RoundScales(const GroupFits& fits, BlockQ5_K& block, float* scales, float* minima) {
  RoundQ4Or5(fits, true, block, scales, minima);
}

void RoundScales(const GroupFits& fits, BlockQ6_K& block, float* scales, float* minima) {
  const float inverse = -128 / ValueOfLargestMagnitude(16, fits.scales);
  block.d = ToF16(1 / inverse);
  const float d = FromF16(block.d);
  for (int i = 0; i < 16; ++i) {
    block.scales[i] = static_cast<std::int8_t>(std::min(127, NearestInt(inverse * fits.scales[i])));
    scales[i] = d * block.scales[i];
  }
  std::fill_n(minima, 16, 0.0f);
}

void RoundScales(const GroupFits& fits, BlockIq4Nl& block, float* inverses) {
  block.d = ToF16(*fits.scales);
  *inverses = *fits.scales != 0 ? 1 / *fits.scales : 0;
}

void RoundScales(const GroupFits& fits, BlockIq4Xs& block, float* inverses) {
  const float d = -ValueOfLargestMagnitude(8, fits.scales) / 32;
  const float inverse = d != 0 ? 1 / d : 0;
  block.d = ToF16(d);
  std::uint32_t low = 0, high = 0;
  for (int i = 0; i < 8; ++i) {
    const int scale = std::max(-32, std::min(31, NearestInt(inverse * fits.scales[i])));
    const float rounded = d * static_cast<float>(scale);  // not of the f16
    inverses[i] = rounded != 0 ? 1 / rounded : 0;
    const auto packed = static_cast<std::uint32_t>(scale + 32);
    low |= (packed & 15) << 4 * i;
    high |= packed >> 4 << 2 * i;
  }
  std::memcpy(block.scales_l, &low, sizeof block.scales_l);
  std::memcpy(block.scales_h.bytes, &high, sizeof block.scales_h.bytes);
}

bool ScalesAreNothing(const float* scales) {
  return std::fabs(ValueOfLargestMagnitude(16, scales)) < kSmallestGroup;
}

}  // namespace hallmark
