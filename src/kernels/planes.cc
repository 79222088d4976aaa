#include "src/kernels/planes.h"

#include <bit>
#include <cstdint>

#include "src/base/error.h"
#include "src/kernels/planes_simd.h"

namespace hallmark {
namespace {

template <typename T>
void SplitByDefinition(ByteSpan numbers, std::size_t from,
                       std::span<const MutableByteSpan> planes) {
  for (std::size_t i = from; i < planes[0].size(); ++i) {
    const T number = std::rotl(LoadLittle<T>(numbers.data() + i * sizeof(T)), 1);
    for (std::size_t p = 0; p < sizeof(T); ++p) {
      planes[p][i] = static_cast<std::byte>(number >> (8 * (sizeof(T) - 1 - p)));
    }
  }
}

template <typename T>
void JoinByDefinition(std::span<const ByteSpan> planes, std::size_t from, MutableByteSpan numbers) {
  for (std::size_t i = from; i < planes[0].size(); ++i) {
    T number = 0;
    for (std::size_t p = 0; p < sizeof(T); ++p) {
      number = static_cast<T>((number << 8) | std::to_integer<T>(planes[p][i]));
    }
    StoreLittle(numbers.data() + i * sizeof(T), std::rotr(number, 1));
  }
}

}  // namespace

void SplitNumbers(ByteSpan numbers, std::span<const MutableByteSpan> planes) {
  switch (planes.size()) {
    case 2:
      return SplitByDefinition<std::uint16_t>(numbers, SimdSplitPairs(numbers, planes), planes);
    case 4:
      return SplitByDefinition<std::uint32_t>(numbers, SimdSplitQuads(numbers, planes), planes);
    case 8:
      return SplitByDefinition<std::uint64_t>(numbers, 0, planes);
    default:
      HM_CHECK(false);
  }
}

void JoinNumbers(std::span<const ByteSpan> planes, MutableByteSpan numbers) {
  switch (planes.size()) {
    case 2:
      return JoinByDefinition<std::uint16_t>(planes, SimdJoinPairs(planes, numbers), numbers);
    case 4:
      return JoinByDefinition<std::uint32_t>(planes, SimdJoinQuads(planes, numbers), numbers);
    case 8:
      return JoinByDefinition<std::uint64_t>(planes, 0, numbers);
    default:
      HM_CHECK(false);
  }
}

void XorBytes(MutableByteSpan inout, ByteSpan other) {
  for (std::size_t i = SimdXor(inout, other); i < inout.size(); ++i) inout[i] ^= other[i];
}

}  // namespace hallmark
