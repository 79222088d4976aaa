// XXH64 with seed 0: a fast check of integrity that resists no attacker. "xxHash fast digest
// algorithm", version 0.1.1.
#pragma once

#include <array>
#include <cstdint>

#include "src/base/bytes.h"

namespace hallmark {

// One running digest. Not thread-safe.
class Xxh64 {
 public:
  void Update(ByteSpan bytes);
  std::uint64_t Finish() const;

 private:
  static constexpr std::size_t kStripe = 32;
  static constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
  static constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
  static constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
  static constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
  static constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

  static std::uint64_t Round(std::uint64_t lane, std::uint64_t input);
  void Consume(const std::byte* stripe);

  std::array<std::uint64_t, 4> lanes_ = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  std::array<std::byte, kStripe> pending_;  // the first size_ % kStripe bytes of the next stripe
  std::uint64_t size_ = 0;
};

}  // namespace hallmark
