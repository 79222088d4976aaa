#include "src/kernels/narrow.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "src/base/error.h"
#include "src/kernels/narrow_simd.h"

namespace hallmark {
namespace {

struct FloatFormat {
  unsigned exponent_bits;
  unsigned fraction_bits;

  constexpr unsigned Bias() const { return (1u << (exponent_bits - 1)) - 1; }
  constexpr std::uint64_t ExponentMask() const { return (1ull << exponent_bits) - 1; }
  constexpr std::uint64_t FractionMask() const { return (1ull << fraction_bits) - 1; }
};

constexpr unsigned kF64Fraction = 52;
constexpr std::uint64_t kF64ExponentMask = 0x7ff;

FloatFormat FormatOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return {8, 23};
    case Dtype::kF16:
      return {5, 10};
    case Dtype::kBf16:
      return {8, 7};
    default:
      HM_CHECK(dtype == Dtype::kF64);
      return {11, 52};
  }
}

// Whole batches as they lie; the rest, and what is not aligned, through buffers padded with zeros,
// which fit every type.
template <typename In, typename Out, bool (*Cast)(const In*, Out*, std::size_t)>
bool CastInBatches(ByteSpan in, MutableByteSpan out) {
  const std::size_t count = in.size() / sizeof(In);
  const bool aligned = reinterpret_cast<std::uintptr_t>(in.data()) % alignof(In) == 0 &&
                       reinterpret_cast<std::uintptr_t>(out.data()) % alignof(Out) == 0;
  std::size_t done = 0;
  if (aligned) {
    done = count - count % kSimdBatch;
    if (!Cast(reinterpret_cast<const In*>(in.data()), reinterpret_cast<Out*>(out.data()), done)) {
      return false;
    }
  }
  for (; done < count; done += kSimdBatch) {
    const std::size_t n = std::min(kSimdBatch, count - done);
    In source[kSimdBatch] = {};
    Out target[kSimdBatch];
    std::memcpy(source, in.data() + done * sizeof(In), n * sizeof(In));
    if (!Cast(source, target, kSimdBatch)) return false;
    std::memcpy(out.data() + done * sizeof(Out), target, n * sizeof(Out));
  }
  return true;
}

std::uint64_t LoadElement(const std::byte* bytes, std::size_t size) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes, size);
  return bits;
}

}  // namespace

std::uint64_t WidenBits(Dtype from, std::uint64_t bits) {
  const FloatFormat format = FormatOf(from);
  if (from == Dtype::kF64) return bits;
  const std::uint64_t sign = bits >> (format.exponent_bits + format.fraction_bits) & 1;
  const std::uint64_t exponent = bits >> format.fraction_bits & format.ExponentMask();
  std::uint64_t fraction = (bits & format.FractionMask()) << (kF64Fraction - format.fraction_bits);
  std::uint64_t wide_exponent;
  if (exponent == format.ExponentMask()) {
    wide_exponent = kF64ExponentMask;
  } else if (exponent != 0) {
    wide_exponent = exponent + 1023 - format.Bias();
  } else if (fraction == 0) {
    wide_exponent = 0;
  } else {  // subnormal: f64 has room to make it normal
    const int shift = std::countl_zero(fraction) - (63 - static_cast<int>(kF64Fraction));
    fraction = (fraction << shift) & ((1ull << kF64Fraction) - 1);
    wide_exponent = 1024 - format.Bias() - static_cast<unsigned>(shift);
  }
  return sign << 63 | wide_exponent << kF64Fraction | fraction;
}

std::optional<std::uint64_t> NarrowBits(Dtype to, std::uint64_t f64_bits) {
  if (to == Dtype::kF64) return f64_bits;
  const FloatFormat format = FormatOf(to);
  const std::uint64_t sign = (f64_bits >> 63) << (format.exponent_bits + format.fraction_bits);
  const std::uint64_t exponent = f64_bits >> kF64Fraction & kF64ExponentMask;
  const std::uint64_t fraction = f64_bits & ((1ull << kF64Fraction) - 1);
  const unsigned dropped = kF64Fraction - format.fraction_bits;
  const bool fraction_fits = (fraction & ((1ull << dropped) - 1)) == 0;
  if (exponent == kF64ExponentMask) {
    if (!fraction_fits) return std::nullopt;
    return sign | format.ExponentMask() << format.fraction_bits | fraction >> dropped;
  }
  if (exponent == 0) {  // an f64 subnormal is far below every narrower type
    if (fraction != 0) return std::nullopt;
    return sign;
  }
  const int narrow_exponent = static_cast<int>(exponent) - 1023 + static_cast<int>(format.Bias());
  if (narrow_exponent >= static_cast<int>(format.ExponentMask())) return std::nullopt;
  if (narrow_exponent > 0) {
    if (!fraction_fits) return std::nullopt;
    return sign | static_cast<std::uint64_t>(narrow_exponent) << format.fraction_bits |
           fraction >> dropped;
  }
  // Subnormal in `to`: the significand with its leading one moves right.
  const std::uint64_t significand = 1ull << kF64Fraction | fraction;
  const int shift = static_cast<int>(dropped) + 1 - narrow_exponent;
  if (shift > static_cast<int>(kF64Fraction)) return std::nullopt;
  if ((significand & ((1ull << shift) - 1)) != 0) return std::nullopt;
  return sign | significand >> shift;
}

bool CastExactly(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out) {
  const std::size_t in_size = InfoOf(from).block_bytes;
  const std::size_t out_size = InfoOf(to).block_bytes;
  HM_CHECK(in.size() % in_size == 0 && out.size() / out_size == in.size() / in_size);
  if (in.empty()) return true;
  if (from == to) {
    std::memcpy(out.data(), in.data(), in.size());
    return true;
  }
  if (from == Dtype::kF32 && to == Dtype::kBf16) {
    return CastInBatches<std::uint32_t, std::uint16_t, SimdF32ToBf16>(in, out);
  }
  if (from == Dtype::kF32 && to == Dtype::kF16) {
    return CastInBatches<std::uint32_t, std::uint16_t, SimdF32ToF16>(in, out);
  }
  if (from == Dtype::kF16 && to == Dtype::kBf16) {
    return CastInBatches<std::uint16_t, std::uint16_t, SimdF16ToBf16>(in, out);
  }
  if (from == Dtype::kF16 && to == Dtype::kF32) {
    return CastInBatches<std::uint16_t, std::uint32_t, SimdF16ToF32>(in, out);
  }
  if (from == Dtype::kBf16 && to == Dtype::kF32) {
    return CastInBatches<std::uint16_t, std::uint32_t, SimdBf16ToF32>(in, out);
  }
  for (std::size_t i = 0; i * in_size < in.size(); ++i) {
    const auto narrow =
        NarrowBits(to, WidenBits(from, LoadElement(in.data() + i * in_size, in_size)));
    if (!narrow) return false;
    std::memcpy(out.data() + i * out_size, &*narrow, out_size);
  }
  return true;
}

}  // namespace hallmark
