#include "src/kernels/planes.h"

#include <array>
#include <random>
#include <vector>

#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using Bytes = std::vector<std::byte>;

class PlanesOnTarget : public OnTarget {};

Bytes RandomBytes(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::vector<Bytes> Split(const Bytes& numbers, std::size_t width) {
  std::vector<Bytes> planes(width, Bytes(numbers.size() / width));
  const std::vector<MutableByteSpan> spans(planes.begin(), planes.end());
  SplitNumbers(numbers, spans);
  return planes;
}

Bytes Joined(const std::vector<Bytes>& planes) {
  Bytes numbers(planes.size() * planes[0].size());
  const std::vector<ByteSpan> spans(planes.begin(), planes.end());
  JoinNumbers(spans, numbers);
  return numbers;
}

// By hand: 0xbf80 is -1 as bf16. Rotated left by one bit it is 0x7f01: the exponent, 127, then the
// mantissa with the sign below it.
TEST(Planes, PutTheExponentFirstAndTheSignLast) {
  EXPECT_EQ(Split(BytesOf("\x80\xbf"), 2), (std::vector{BytesOf("\x7f"), BytesOf("\x01")}));
  // -1 as f32, 0xbf800000, becomes 0x7f000001.
  const std::string_view minus_one("\x00\x00\x80\xbf", 4);
  EXPECT_EQ(Split(BytesOf(minus_one), 4),
            (std::vector{BytesOf("\x7f"), Bytes(1), Bytes(1), BytesOf("\x01")}));
  // And as f64, 0xbff0000000000000: 0x7fe0000000000001.
  const std::vector<Bytes> wide = Split(BytesOf({"\0\0\0\0\0\0\xf0\xbf", 8}), 8);
  EXPECT_EQ(wide[0], BytesOf("\x7f"));
  EXPECT_EQ(wide[1], BytesOf("\xe0"));
  EXPECT_EQ(wide[7], BytesOf("\x01"));
}

// Sizes around those of vectors, where kernels and the plain definition meet.
TEST_P(PlanesOnTarget, AreTheBytesOfRotatedNumbers) {
  for (const std::size_t count : {0, 1, 15, 16, 17, 63, 64, 65, 127, 1000}) {
    for (const std::size_t width : {2, 4, 8}) {
      const Bytes numbers = RandomBytes(count * width);
      const std::vector<Bytes> planes = Split(numbers, width);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t p = 0; p < width; ++p) {
          const std::size_t byte = width - 1 - p, below = (byte + width - 1) % width;
          const auto high = std::to_integer<unsigned>(numbers[i * width + byte]);
          const auto low = std::to_integer<unsigned>(numbers[i * width + below]);
          ASSERT_EQ(std::to_integer<unsigned>(planes[p][i]), (high << 1 | low >> 7) & 0xff)
              << width << " bytes, number " << i << ", plane " << p;
        }
      }
      ASSERT_EQ(Joined(planes), numbers) << width << " bytes, " << count;
    }
  }
}

TEST_P(PlanesOnTarget, XorTakesTheDifferenceByteByByte) {
  for (const std::size_t count : {0, 1, 31, 32, 33, 200}) {
    const Bytes a = RandomBytes(count), b = RandomBytes(count + 1);
    Bytes both = a;
    XorBytes(both, ByteSpan(b).first(count));
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(both[i], a[i] ^ b[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlanesOnTarget, testing::ValuesIn(Targets()), TargetName);

}  // namespace
}  // namespace hallmark
