#include "src/tensor/widen.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "src/base/error.h"

namespace hallmark {
namespace {

// The bits of an IEEE 754 number with the given field widths, widened to those of a f64. By integer
// arithmetic throughout: a conversion instruction would quiet signalling NaNs.
template <int kExponentBits, int kFractionBits>
std::uint64_t WidenBits(std::uint64_t bits) {
  constexpr std::uint64_t kExponentMask = (1u << kExponentBits) - 1;
  constexpr std::uint64_t kFractionMask = (std::uint64_t{1} << kFractionBits) - 1;
  constexpr std::uint64_t kBias = kExponentMask >> 1;
  const std::uint64_t sign = bits >> (kExponentBits + kFractionBits) << 63;
  std::uint64_t exponent = (bits >> kFractionBits) & kExponentMask;
  std::uint64_t fraction = bits & kFractionMask;
  if (exponent == kExponentMask) {
    exponent = 0x7FF;
  } else if (exponent != 0) {
    exponent += 1023 - kBias;
  } else if (fraction != 0) {  // a subnormal becomes normal
    const int shift = std::countl_zero(fraction) - (63 - kFractionBits);
    fraction = (fraction << shift) & kFractionMask;
    exponent = 1023 - kBias + 1 - static_cast<std::uint64_t>(shift);
  }
  return sign | exponent << 52 | fraction << (52 - kFractionBits);
}

template <typename T, int kExponentBits, int kFractionBits>
void WidenAll(ByteSpan bytes, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = std::bit_cast<double>(
        WidenBits<kExponentBits, kFractionBits>(LoadLittle<T>(bytes.data() + i * sizeof(T))));
  }
}

}  // namespace

void WidenToF64(Dtype dtype, ByteSpan bytes, std::span<double> out) {
  switch (dtype) {
    case Dtype::kF64:
      std::memcpy(out.data(), bytes.data(), out.size_bytes());
      return;
    case Dtype::kF32:
      return WidenAll<std::uint32_t, 8, 23>(bytes, out);
    case Dtype::kF16:
      return WidenAll<std::uint16_t, 5, 10>(bytes, out);
    case Dtype::kBf16:
      return WidenAll<std::uint16_t, 8, 7>(bytes, out);
    default:
      HM_CHECK(IsFloatFamily(dtype));
  }
}

}  // namespace hallmark
