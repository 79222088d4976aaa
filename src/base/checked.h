// Arithmetic on numbers that come from files: every sum and product is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace hallmark {

inline std::optional<std::uint64_t> CheckedAdd(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<std::uint64_t> CheckedMul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The product of all factors; 1 for none. A zero anywhere gives 0 only if no prefix overflows
// first, so that a lying shape is refused rather than excused by a later zero.
inline std::optional<std::uint64_t> CheckedProduct(std::span<const std::uint64_t> factors) {
  std::uint64_t product = 1;
  for (const std::uint64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return product;
}

// `value` rounded up to a multiple of `unit` (not 0).
inline std::optional<std::uint64_t> CheckedRoundUp(std::uint64_t value, std::uint64_t unit) {
  const std::uint64_t rest = value % unit;
  return rest == 0 ? value : CheckedAdd(value, unit - rest);
}

}  // namespace hallmark
