// Goes in batches: most are exact or of half precision, which the vector kernels do; what begins or
// ends in f64 goes value by value.
#include "src/kernels/round.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/kernels/narrow.h"
#include "src/kernels/round_simd.h"

namespace hallmark {
namespace {

constexpr std::size_t kBatch = 4096;
static_assert(kBatch % kRoundBatch == 0);

struct NarrowFormat {
  int fraction_bits;
  int bias;
  std::uint64_t exponent_mask;
  int sign_shift;
};

NarrowFormat FormatOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return {23, 127, 0xff, 31};
    case Dtype::kF16:
      return {10, 15, 0x1f, 15};
    default:
      HM_CHECK(dtype == Dtype::kBf16);
      return {7, 127, 0xff, 15};
  }
}

// `value` / 2^shift to the nearest whole number, ties to even.
std::uint64_t ShiftRounding(std::uint64_t value, int shift) {
  if (shift > 63) return 0;  // value is below 2^53
  const std::uint64_t whole = value >> shift;
  const std::uint64_t rest = value & ((1ull << shift) - 1);
  const std::uint64_t half = 1ull << (shift - 1);
  return whole + (rest > half || (rest == half && whole % 2 != 0) ? 1 : 0);
}

void CountLoss(std::uint64_t before_bits, std::uint64_t after_bits, RoundingLoss* loss) {
  const auto before = std::bit_cast<double>(before_bits);
  const auto after = std::bit_cast<double>(after_bits);
  if (std::isnan(before) || before_bits == after_bits) return;
  ++loss->changed;
  if (std::isinf(after)) {
    ++loss->overflowed;
    return;
  }
  if (after == 0) ++loss->vanished;
  loss->worst = std::max(loss->worst, std::abs(after - before));
}

RoundingLoss RoundOneByOne(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out) {
  const std::size_t in_size = InfoOf(from).block_bytes, out_size = InfoOf(to).block_bytes;
  RoundingLoss loss;
  for (std::size_t i = 0; i < in.size() / in_size; ++i) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, in.data() + i * in_size, in_size);
    const std::uint64_t before = WidenBits(from, bits);
    const std::uint64_t rounded = RoundBits(to, before);
    std::memcpy(out.data() + i * out_size, &rounded, out_size);
    CountLoss(before, WidenBits(to, rounded), &loss);
  }
  return loss;
}

// From f32, f16 or bf16 to f16 or bf16, at most kBatch values.
RoundingLoss RoundHalf(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out) {
  alignas(64) float values[kBatch];
  alignas(64) std::uint16_t halves[kBatch];
  const std::size_t count = in.size() / InfoOf(from).block_bytes;
  const std::size_t padded = (count + kRoundBatch - 1) / kRoundBatch * kRoundBatch;
  const bool exact = CastExactly(from, Dtype::kF32, in,
                                 std::as_writable_bytes(std::span(values)).first(4 * count));
  HM_CHECK(exact);  // a wider type holds all
  std::fill(values + count, values + padded, 0.0f);
  const SimdLoss loss = to == Dtype::kF16 ? SimdRoundToF16(values, halves, padded)
                                          : SimdRoundToBf16(values, halves, padded);
  std::memcpy(out.data(), halves, count * sizeof halves[0]);
  return {loss.changed, loss.overflowed, loss.vanished, loss.worst};
}

}  // namespace

void RoundingLoss::Add(const RoundingLoss& other) {
  changed += other.changed;
  overflowed += other.overflowed;
  vanished += other.vanished;
  worst = std::max(worst, other.worst);
}

std::uint64_t RoundBits(Dtype to, std::uint64_t f64_bits) {
  if (to == Dtype::kF64) return f64_bits;
  const NarrowFormat format = FormatOf(to);
  const std::uint64_t sign = f64_bits >> 63 << format.sign_shift;
  const std::uint64_t infinity = format.exponent_mask << format.fraction_bits;
  const std::uint64_t exponent = f64_bits >> 52 & 0x7ff;
  const std::uint64_t fraction = f64_bits & ((1ull << 52) - 1);
  const int dropped = 52 - format.fraction_bits;
  if (exponent == 0x7ff) {
    if (fraction == 0) return sign | infinity;
    return sign | infinity | fraction >> dropped | 1ull << (format.fraction_bits - 1);
  }
  if (exponent == 0) return sign;  // far below every narrower type
  const int narrow = static_cast<int>(exponent) - 1023 + format.bias;
  const std::uint64_t significand = 1ull << 52 | fraction;
  // A carry out of the fraction belongs into the exponent, also out of the subnormal ones.
  const std::uint64_t magnitude =
      narrow > 0 ? (static_cast<std::uint64_t>(narrow - 1) << format.fraction_bits) +
                       ShiftRounding(significand, dropped)
                 : ShiftRounding(significand, dropped + 1 - narrow);
  return sign | std::min(magnitude, infinity);
}

RoundingLoss RoundTo(Dtype from, Dtype to, ByteSpan in, MutableByteSpan out) {
  const std::size_t in_size = InfoOf(from).block_bytes, out_size = InfoOf(to).block_bytes;
  HM_CHECK(in.size() % in_size == 0 && out.size() / out_size == in.size() / in_size);
  const bool to_half = from != Dtype::kF64 && (to == Dtype::kF16 || to == Dtype::kBf16);
  RoundingLoss loss;
  for (std::size_t done = 0, count = in.size() / in_size; done < count; done += kBatch) {
    const std::size_t n = std::min(kBatch, count - done);
    const ByteSpan source = in.subspan(done * in_size, n * in_size);
    const MutableByteSpan target = out.subspan(done * out_size, n * out_size);
    if (CastExactly(from, to, source, target)) continue;
    loss.Add(to_half ? RoundHalf(from, to, source, target)
                     : RoundOneByOne(from, to, source, target));
  }
  return loss;
}

}  // namespace hallmark
