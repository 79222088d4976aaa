#include "src/hash/block_lanes.h"

// One stream a lane needs vectors of a known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/hash/block_lanes.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each target
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/hash/sha256_constants.h"

#ifndef HALLMARK_BLOCK_LANES_TABLES
#define HALLMARK_BLOCK_LANES_TABLES
namespace hallmark {
namespace {

// RFC 1321, 3.4: 2^32 times the absolute sine of 1, 2, … 64.
constexpr std::array<std::uint32_t, 64> kMd5Sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
constexpr int kMd5Rotations[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// FIPS 180-4, 4.2.1.
constexpr std::array<std::uint32_t, 4> kSha1Constants = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                                         0xca62c1d6};

}  // namespace
}  // namespace hallmark
#endif

HWY_BEFORE_NAMESPACE();
namespace hallmark {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <std::size_t kLanes>
using Words = hn::FixedTag<std::uint32_t, kLanes>;
template <std::size_t kLanes>
using Vector = hn::Vec<Words<kLanes>>;

template <int kBits, class V>
HWY_INLINE V RotateLeft(V v) {
  return hn::RotateRight<32 - kBits>(v);
}

// (a and b) or (not a and c), bit by bit.
template <class V>
HWY_INLINE V Choose(V a, V b, V c) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  return hn::IfVecThenElse(a, b, c);  // one instruction; elsewhere it looks at whole lanes
#else
  return hn::Xor(c, hn::And(a, hn::Xor(b, c)));
#endif
}

template <class V>
HWY_INLINE V Majority(V a, V b, V c) {
  return Choose(hn::Xor(a, b), c, b);  // where a and b agree, b is it
}

template <class V>
HWY_INLINE V Parity(V a, V b, V c) {
  return hn::Xor(a, hn::Xor(b, c));
}

// 16 bytes of each stream: lane 4 * j + i of the vector is from stream 4 * j + i once the four
// vectors, which hold those of streams i, 4 + i, 8 + i and 12 + i, are transposed.
HWY_INLINE Vector<4> LoadQuarter(Words<4> d, const std::byte* const* data, std::size_t offset) {
  return hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(data[0] + offset));
}
#if HWY_MAX_BYTES >= 32
HWY_INLINE Vector<8> LoadQuarter(Words<8> d, const std::byte* const* data, std::size_t offset) {
  return hn::Combine(d, LoadQuarter(Words<4>(), data + 4, offset),
                     LoadQuarter(Words<4>(), data, offset));
}
#endif
#if HWY_MAX_BYTES >= 64
HWY_INLINE Vector<16> LoadQuarter(Words<16> d, const std::byte* const* data, std::size_t offset) {
  return hn::Combine(d, LoadQuarter(Words<8>(), data + 8, offset),
                     LoadQuarter(Words<8>(), data, offset));
}
#endif

// The 16 words of a block of every stream.
template <std::size_t kLanes>
HWY_INLINE void LoadBlock(const std::byte* const* data, std::size_t offset,
                          Vector<kLanes> (&words)[16]) {
  const Words<kLanes> d;
  const hn::Repartition<std::uint64_t, Words<kLanes>> pairs;
#pragma GCC unroll 4
  for (std::size_t quarter = 0; quarter < 4; ++quarter) {
    const std::size_t at = offset + 16 * quarter;
    const auto r0 = LoadQuarter(d, data, at), r1 = LoadQuarter(d, data + 1, at);
    const auto r2 = LoadQuarter(d, data + 2, at), r3 = LoadQuarter(d, data + 3, at);
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
    words[4 * quarter] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
    words[4 * quarter + 1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
    words[4 * quarter + 2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
    words[4 * quarter + 3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
  }
}

template <std::size_t kLanes>
HWY_INLINE void LoadBigEndianBlock(const std::byte* const* data, std::size_t offset,
                                   Vector<kLanes> (&words)[16]) {
  const Words<kLanes> d;
  const hn::Repartition<std::uint8_t, Words<kLanes>> bytes;
  alignas(16) static constexpr std::uint8_t kReversed[16] = {3,  2,  1, 0, 7,  6,  5,  4,
                                                             11, 10, 9, 8, 15, 14, 13, 12};
  const auto reversed = hn::LoadDup128(bytes, kReversed);
  LoadBlock<kLanes>(data, offset, words);
  for (auto& word : words) {
    word = hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(bytes, word), reversed));
  }
}

// RFC 1321, 3.4, step `kStep` of 64. `mixed` is added last: the step before gives it last.
template <int kStep, class Tag, class V>
HWY_INLINE void Md5Step(Tag tag, V& a, V b, V c, V d, const V (&words)[16]) {
  constexpr int kRound = kStep / 16;
  constexpr int kWord = kRound == 0   ? kStep
                        : kRound == 1 ? (5 * kStep + 1) % 16
                        : kRound == 2 ? (3 * kStep + 5) % 16
                                      : 7 * kStep % 16;
  V mixed;
  if constexpr (kRound == 0) {
    mixed = Choose(b, c, d);
  } else if constexpr (kRound == 1) {
    mixed = Choose(d, b, c);
  } else if constexpr (kRound == 2) {
    mixed = Parity(b, c, d);
  } else {
    mixed = hn::Xor(c, hn::Or(b, hn::Not(d)));
  }
  const V known = hn::Add(a, hn::Add(words[kWord], hn::Set(tag, kMd5Sines[kStep])));
  a = hn::Add(b, RotateLeft<kMd5Rotations[kRound][kStep % 4]>(hn::Add(known, mixed)));
}

// FIPS 180-4, 6.1.2, round `kStep` of 80. `e` becomes what the next calls `a`.
template <int kStep, class Tag, class V>
HWY_INLINE void Sha1Step(Tag tag, V a, V& b, V c, V d, V& e, V (&words)[16]) {
  constexpr int kRound = kStep / 20;
  V& word = words[kStep % 16];
  if constexpr (kStep >= 16) {
    word = RotateLeft<1>(hn::Xor(hn::Xor(words[(kStep + 13) % 16], words[(kStep + 8) % 16]),
                                 hn::Xor(words[(kStep + 2) % 16], word)));
  }
  V mixed;
  if constexpr (kRound == 0) {
    mixed = Choose(b, c, d);
  } else if constexpr (kRound == 2) {
    mixed = Majority(b, c, d);
  } else {
    mixed = Parity(b, c, d);
  }
  const V known = hn::Add(e, hn::Add(word, hn::Set(tag, kSha1Constants[kRound])));
  e = hn::Add(RotateLeft<5>(a), hn::Add(known, mixed));
  b = RotateLeft<30>(b);
}

// FIPS 180-4, 6.2.2, round `kStep` of 64. `h` becomes what the next calls `a`.
template <int kStep, class Tag, class V>
HWY_INLINE void Sha256Step(Tag tag, V a, V b, V c, V& d, V e, V f, V g, V& h, V (&words)[16]) {
  using hn::RotateRight;
  V& word = words[kStep % 16];
  if constexpr (kStep >= 16) {
    const V early = words[(kStep + 1) % 16], late = words[(kStep + 14) % 16];
    const V s0 = Parity(RotateRight<7>(early), RotateRight<18>(early), hn::ShiftRight<3>(early));
    const V s1 = Parity(RotateRight<17>(late), RotateRight<19>(late), hn::ShiftRight<10>(late));
    word = hn::Add(hn::Add(word, s0), hn::Add(words[(kStep + 9) % 16], s1));
  }
  const V sum1 = Parity(RotateRight<6>(e), RotateRight<11>(e), RotateRight<25>(e));
  const V known = hn::Add(h, hn::Add(word, hn::Set(tag, kSha256Constants[kStep])));
  const V t1 = hn::Add(known, hn::Add(sum1, Choose(e, f, g)));
  const V sum0 = Parity(RotateRight<2>(a), RotateRight<13>(a), RotateRight<22>(a));
  d = hn::Add(d, t1);
  h = hn::Add(t1, hn::Add(sum0, Majority(a, b, c)));
}

// The steps of a block: what is `a` in one step has another place in the next.
template <class Tag, class V, int... kSteps>
HWY_INLINE void Md5Steps(Tag tag, V (&s)[4], const V (&words)[16],
                         std::integer_sequence<int, kSteps...>) {
  (Md5Step<kSteps>(tag, s[(64 - kSteps) % 4], s[(65 - kSteps) % 4], s[(66 - kSteps) % 4],
                   s[(67 - kSteps) % 4], words),
   ...);
}
template <class Tag, class V, int... kSteps>
HWY_INLINE void Sha1Steps(Tag tag, V (&s)[5], V (&words)[16],
                          std::integer_sequence<int, kSteps...>) {
  (Sha1Step<kSteps>(tag, s[(80 - kSteps) % 5], s[(81 - kSteps) % 5], s[(82 - kSteps) % 5],
                    s[(83 - kSteps) % 5], s[(84 - kSteps) % 5], words),
   ...);
}
template <class Tag, class V, int... kSteps>
HWY_INLINE void Sha256Steps(Tag tag, V (&s)[8], V (&words)[16],
                            std::integer_sequence<int, kSteps...>) {
  (Sha256Step<kSteps>(tag, s[(64 - kSteps) % 8], s[(65 - kSteps) % 8], s[(66 - kSteps) % 8],
                      s[(67 - kSteps) % 8], s[(68 - kSteps) % 8], s[(69 - kSteps) % 8],
                      s[(70 - kSteps) % 8], s[(71 - kSteps) % 8], words),
   ...);
}

template <std::size_t kLanes>
struct Md5 {
  static constexpr std::size_t kWords = 4;
  HWY_INLINE void operator()(const std::byte* const* data, std::size_t offset,
                             Vector<kLanes> (&state)[kWords]) const {
    Vector<kLanes> words[16];
    LoadBlock<kLanes>(data, offset, words);
    Md5Steps(Words<kLanes>(), state, words, std::make_integer_sequence<int, 64>());
  }
};

template <std::size_t kLanes>
struct Sha1 {
  static constexpr std::size_t kWords = 5;
  HWY_INLINE void operator()(const std::byte* const* data, std::size_t offset,
                             Vector<kLanes> (&state)[kWords]) const {
    Vector<kLanes> words[16];
    LoadBigEndianBlock<kLanes>(data, offset, words);
    Sha1Steps(Words<kLanes>(), state, words, std::make_integer_sequence<int, 80>());
  }
};

template <std::size_t kLanes>
struct Sha256 {
  static constexpr std::size_t kWords = 8;
  HWY_INLINE void operator()(const std::byte* const* data, std::size_t offset,
                             Vector<kLanes> (&state)[kWords]) const {
    Vector<kLanes> words[16];
    LoadBigEndianBlock<kLanes>(data, offset, words);
    Sha256Steps(Words<kLanes>(), state, words, std::make_integer_sequence<int, 64>());
  }
};

// Fewer streams than lanes: the last one fills the rest, to no effect.
template <template <std::size_t> class Function, std::size_t kLanes>
void Advance(std::span<BlockState> states, const std::byte* const* data, std::size_t blocks) {
  using Compress = Function<kLanes>;
  const Words<kLanes> d;
  while (!states.empty()) {
    const std::size_t used = std::min(states.size(), kLanes);
    const std::byte* streams[kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      streams[lane] = data[std::min(lane, used - 1)];
    alignas(64) std::uint32_t lanes[kLanes];
    Vector<kLanes> state[Compress::kWords];
    for (std::size_t word = 0; word < Compress::kWords; ++word) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] = states[std::min(lane, used - 1)].words[word];
      }
      state[word] = hn::Load(d, lanes);
    }
    for (std::size_t block = 0; block < blocks; ++block) {
      Vector<kLanes> next[Compress::kWords];
      for (std::size_t word = 0; word < Compress::kWords; ++word) next[word] = state[word];
      Compress()(streams, block * kBlockBytes, next);
      for (std::size_t word = 0; word < Compress::kWords; ++word) {
        state[word] = hn::Add(state[word], next[word]);
      }
    }
    for (std::size_t word = 0; word < Compress::kWords; ++word) {
      hn::Store(state[word], d, lanes);
      for (std::size_t lane = 0; lane < used; ++lane) states[lane].words[word] = lanes[lane];
    }
    states = states.subspan(used);
    data += used;
  }
}

template <std::size_t kLanes>
AdvanceBlocks LanesOf(BlockFunction function) {
  switch (function) {
    case BlockFunction::kMd5:
      return Advance<Md5, kLanes>;
    case BlockFunction::kSha1:
      return Advance<Sha1, kLanes>;
    case BlockFunction::kSha256:
      return Advance<Sha256, kLanes>;
  }
  return nullptr;
}

}  // namespace
#endif

AdvanceBlocks ChooseLanes([[maybe_unused]] BlockFunction function,
                          [[maybe_unused]] std::size_t lanes) {
#if HWY_TARGET != HWY_SCALAR
  if (lanes == 4) return LanesOf<4>(function);
#endif
#if HWY_MAX_BYTES >= 32
  if (lanes == 8) return LanesOf<8>(function);
#endif
#if HWY_MAX_BYTES >= 64
  if (lanes == 16) return LanesOf<16>(function);
#endif
  return nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace hallmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(ChooseLanes);

AdvanceBlocks BlockLanes(BlockFunction function, std::size_t lanes) {
  return HWY_DYNAMIC_DISPATCH(ChooseLanes)(function, lanes);
}

}  // namespace hallmark
#endif
