#include "src/kernels/planes_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/planes_simd.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::ScalableTag<std::uint8_t>;

const std::uint8_t* In(const std::byte* bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}
std::uint8_t* Out(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

// A byte of a number rotated left, `below` being the next lower byte of it.
template <typename V>
HWY_INLINE V RotatedLeft(V byte, V below) {
  return hn::Or(hn::Add(byte, byte), hn::ShiftRight<7>(below));
}
// And rotated right, `above` being the next higher one.
template <typename V>
HWY_INLINE V RotatedRight(V byte, V above) {
  return hn::Or(hn::ShiftRight<1>(byte), hn::ShiftLeft<7>(above));
}

std::size_t SplitPairs(ByteSpan numbers, std::span<const MutableByteSpan> planes) {
  const Bytes d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= planes[0].size(); i += hn::Lanes(d)) {
    hn::Vec<Bytes> low, high;
    hn::LoadInterleaved2(d, In(numbers.data() + 2 * i), low, high);
    hn::StoreU(RotatedLeft(high, low), d, Out(planes[0].data() + i));
    hn::StoreU(RotatedLeft(low, high), d, Out(planes[1].data() + i));
  }
  return i;
}

std::size_t SplitQuads(ByteSpan numbers, std::span<const MutableByteSpan> planes) {
  const Bytes d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= planes[0].size(); i += hn::Lanes(d)) {
    hn::Vec<Bytes> b0, b1, b2, b3;
    hn::LoadInterleaved4(d, In(numbers.data() + 4 * i), b0, b1, b2, b3);
    hn::StoreU(RotatedLeft(b3, b2), d, Out(planes[0].data() + i));
    hn::StoreU(RotatedLeft(b2, b1), d, Out(planes[1].data() + i));
    hn::StoreU(RotatedLeft(b1, b0), d, Out(planes[2].data() + i));
    hn::StoreU(RotatedLeft(b0, b3), d, Out(planes[3].data() + i));
  }
  return i;
}

std::size_t JoinPairs(std::span<const ByteSpan> planes, MutableByteSpan numbers) {
  const Bytes d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= planes[0].size(); i += hn::Lanes(d)) {
    const auto high = hn::LoadU(d, In(planes[0].data() + i));
    const auto low = hn::LoadU(d, In(planes[1].data() + i));
    hn::StoreInterleaved2(RotatedRight(low, high), RotatedRight(high, low), d,
                          Out(numbers.data() + 2 * i));
  }
  return i;
}

std::size_t JoinQuads(std::span<const ByteSpan> planes, MutableByteSpan numbers) {
  const Bytes d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= planes[0].size(); i += hn::Lanes(d)) {
    const auto b3 = hn::LoadU(d, In(planes[0].data() + i));
    const auto b2 = hn::LoadU(d, In(planes[1].data() + i));
    const auto b1 = hn::LoadU(d, In(planes[2].data() + i));
    const auto b0 = hn::LoadU(d, In(planes[3].data() + i));
    hn::StoreInterleaved4(RotatedRight(b0, b1), RotatedRight(b1, b2), RotatedRight(b2, b3),
                          RotatedRight(b3, b0), d, Out(numbers.data() + 4 * i));
  }
  return i;
}

std::size_t Xor(MutableByteSpan inout, ByteSpan other) {
  const Bytes d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= inout.size(); i += hn::Lanes(d)) {
    std::uint8_t* const at = Out(inout.data() + i);
    hn::StoreU(hn::Xor(hn::LoadU(d, at), hn::LoadU(d, In(other.data() + i))), d, at);
  }
  return i;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(SplitPairs);
HWY_EXPORT(SplitQuads);
HWY_EXPORT(JoinPairs);
HWY_EXPORT(JoinQuads);
HWY_EXPORT(Xor);

std::size_t SimdSplitPairs(ByteSpan numbers, std::span<const MutableByteSpan> planes) {
  return HWY_DYNAMIC_DISPATCH(SplitPairs)(numbers, planes);
}
std::size_t SimdSplitQuads(ByteSpan numbers, std::span<const MutableByteSpan> planes) {
  return HWY_DYNAMIC_DISPATCH(SplitQuads)(numbers, planes);
}
std::size_t SimdJoinPairs(std::span<const ByteSpan> planes, MutableByteSpan numbers) {
  return HWY_DYNAMIC_DISPATCH(JoinPairs)(planes, numbers);
}
std::size_t SimdJoinQuads(std::span<const ByteSpan> planes, MutableByteSpan numbers) {
  return HWY_DYNAMIC_DISPATCH(JoinQuads)(planes, numbers);
}
std::size_t SimdXor(MutableByteSpan inout, ByteSpan other) {
  return HWY_DYNAMIC_DISPATCH(Xor)(inout, other);
}

}  // namespace hallmark
#endif
