#include "src/kernels/narrow.h"

#include <bit>
#include <cstring>

#include "src/base/error.h"

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

// Fixed-size inner loops without branches: compilers turn them into vector code at -O2.
constexpr std::size_t kBatch = 256;

// A bf16 is the upper half of an f32, subnormals and NaNs included.
bool BatchF32ToBf16(const std::uint32_t* in, std::uint16_t* out) {
  std::uint32_t lost = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    lost |= in[i];
    out[i] = static_cast<std::uint16_t>(in[i] >> 16);
  }
  return (lost & 0xffff) == 0;
}

bool BatchF32ToF16(const std::uint32_t* in, std::uint16_t* out) {
  std::uint32_t misfits = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const std::uint32_t magnitude = in[i] & 0x7fffffff;
    // f16 normals are 2^-14 .. 65504 with 10 fraction bits.
    const bool small = magnitude < 0x38800000;
    const bool special = magnitude >= 0x7f800000;
    const bool large = magnitude >= 0x47800000 && !special;
    const std::uint32_t normal = (magnitude - 0x38000000) >> 13;
    const std::uint32_t infinite = 0x7c00 | ((magnitude & 0x7fffff) >> 13);
    // f16 subnormals are whole multiples of 2^-24; scaling by a power of two is exact.
    const float multiple = std::bit_cast<float>(small ? magnitude : 0u) * 16777216.0f;
    const auto whole = static_cast<std::int32_t>(multiple);
    const bool exact = small ? static_cast<float>(whole) == multiple : (magnitude & 0x1fff) == 0;
    const std::uint32_t half =
        small ? static_cast<std::uint32_t>(whole) : (special ? infinite : normal);
    misfits |= static_cast<std::uint32_t>(!exact) | static_cast<std::uint32_t>(large);
    out[i] = static_cast<std::uint16_t>(half | ((in[i] >> 16) & 0x8000));
  }
  return misfits == 0;
}

bool BatchF16ToBf16(const std::uint16_t* in, std::uint16_t* out) {
  std::uint32_t lost = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const std::uint32_t magnitude = in[i] & 0x7fffu;
    const std::uint32_t shifted = magnitude << 13;
    const std::uint32_t tiny = std::bit_cast<std::uint32_t>(
        static_cast<float>(static_cast<std::int32_t>(magnitude)) * (1.0f / 16777216.0f));
    const std::uint32_t wide = magnitude >= 0x7c00  ? shifted + (224u << 23)
                               : magnitude >= 0x400 ? shifted + (112u << 23)
                                                    : tiny;
    lost |= wide;
    out[i] = static_cast<std::uint16_t>((wide >> 16) | (in[i] & 0x8000u));
  }
  return (lost & 0xffff) == 0;
}

template <typename In, typename Out, bool (*Batch)(const In*, Out*)>
bool CastInBatches(ByteSpan in, MutableByteSpan out) {
  const std::size_t count = in.size() / sizeof(In);
  In source[kBatch];
  Out target[kBatch];
  for (std::size_t i = 0; i < count; i += kBatch) {
    const std::size_t n = count - i < kBatch ? count - i : kBatch;
    if (n < kBatch) std::memset(source, 0, sizeof source);  // zero fits every type
    std::memcpy(source, in.data() + i * sizeof(In), n * sizeof(In));
    if (!Batch(source, target)) return false;
    std::memcpy(out.data() + i * sizeof(Out), target, n * sizeof(Out));
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
    return CastInBatches<std::uint32_t, std::uint16_t, BatchF32ToBf16>(in, out);
  }
  if (from == Dtype::kF32 && to == Dtype::kF16) {
    return CastInBatches<std::uint32_t, std::uint16_t, BatchF32ToF16>(in, out);
  }
  if (from == Dtype::kF16 && to == Dtype::kBf16) {
    return CastInBatches<std::uint16_t, std::uint16_t, BatchF16ToBf16>(in, out);
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
