// Views of raw memory, ranges, and fixed-width integers in either byte order.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace hallmark {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

// A stretch of a file or of anything else whose bytes are counted.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t End() const { return offset + size; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `bytes` holds at least sizeof(T).
template <std::unsigned_integral T>
T LoadLittle(const std::byte* bytes) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <std::unsigned_integral T>
T LoadBig(const std::byte* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8) | std::to_integer<T>(bytes[i]));
  }
  return value;
}

template <std::unsigned_integral T>
void StoreLittle(std::byte* bytes, T value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(bytes, &value, sizeof value);
}

template <std::unsigned_integral T>
void StoreBig(std::byte* bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

}  // namespace hallmark
