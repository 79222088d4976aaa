// SHA-256 with the x86 SHA instructions, several messages interleaved: one stream alone waits for
// the latency of its own rounds most of the time. Included once by each file that compiles it for a
// target, which defines HM_SHA_TARGET, the function attribute, and HM_SHA_MANY, the name.
// Every function carries the target itself, so that nothing inlined from a shared header is
// compiled for a machine that may not be there.

#include <immintrin.h>

#include <array>
#include <bit>

#include "src/base/bytes.h"
#include "src/hash/sha256_kernels.h"

namespace hallmark {
namespace {

// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// The last block of a message whose length is a multiple of 64 holds nothing but the padding, so
// its schedule, round constants added, is known beforehand.
constexpr std::array<std::uint32_t, 64> PaddingSchedule(std::uint64_t message_bytes) {
  std::array<std::uint32_t, 64> w{};
  w[0] = 0x80000000;
  w[14] = static_cast<std::uint32_t>(message_bytes * 8 >> 32);
  w[15] = static_cast<std::uint32_t>(message_bytes * 8);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  for (std::size_t t = 0; t < 64; ++t) w[t] += kRound[t];
  return w;
}

alignas(16) constexpr auto kLeafPadding = PaddingSchedule(kTreeBlock);
alignas(16) constexpr auto kParentPadding = PaddingSchedule(2 * sizeof(TreeNode));

// The working variables a..h in the order the instructions want them.
struct State {
  __m128i abef;
  __m128i cdgh;
};

HM_SHA_TARGET inline __m128i Load(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

// Four rounds of every stream, two at a time so that no stream waits for its own.
template <std::size_t kStreams>
HM_SHA_TARGET inline void FourRounds(std::array<State, kStreams>& states,
                                     const __m128i (&words_and_constants)[kStreams]) {
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) {
    states[s].cdgh = _mm_sha256rnds2_epu32(states[s].cdgh, states[s].abef, words_and_constants[s]);
  }
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) {
    states[s].abef = _mm_sha256rnds2_epu32(states[s].abef, states[s].cdgh,
                                           _mm_shuffle_epi32(words_and_constants[s], 0x0e));
  }
}

template <std::size_t kStreams>
HM_SHA_TARGET inline void AddTo(std::array<State, kStreams>& states,
                                const std::array<State, kStreams>& work) {
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) {
    states[s].abef = _mm_add_epi32(states[s].abef, work[s].abef);
    states[s].cdgh = _mm_add_epi32(states[s].cdgh, work[s].cdgh);
  }
}

// One block of each stream.
template <std::size_t kStreams>
HM_SHA_TARGET inline void Compress(std::array<State, kStreams>& states,
                                   const std::array<const std::byte*, kStreams>& blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  std::array<State, kStreams> work = states;
  __m128i w[kStreams][4];
#pragma GCC unroll 16
  for (std::size_t t = 0; t < 16; ++t) {
    const __m128i constants = Load(&kRound[4 * t]);
    __m128i ready[kStreams];
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kStreams; ++s) {
      __m128i& current = w[s][t % 4];
      if (t < 4) {
        current = _mm_shuffle_epi8(Load(blocks[s] + 16 * t), big_endian);
      } else {
        // w[t] from w[t-16], w[t-15], w[t-7] and w[t-2], four words at a time.
        const __m128i last = w[s][(t + 3) % 4];
        const __m128i sevenths = _mm_alignr_epi8(last, w[s][(t + 2) % 4], 4);
        current = _mm_sha256msg1_epu32(current, w[s][(t + 1) % 4]);
        current = _mm_sha256msg2_epu32(_mm_add_epi32(current, sevenths), last);
      }
      ready[s] = _mm_add_epi32(current, constants);
    }
    FourRounds<kStreams>(work, ready);
  }
  AddTo<kStreams>(states, work);
}

template <std::size_t kStreams>
HM_SHA_TARGET inline void CompressPadding(std::array<State, kStreams>& states,
                                          const std::array<std::uint32_t, 64>& schedule) {
  std::array<State, kStreams> work = states;
  for (std::size_t t = 0; t < 16; ++t) {
    __m128i ready[kStreams];
    for (__m128i& words : ready) words = Load(&schedule[4 * t]);
    FourRounds<kStreams>(work, ready);
  }
  AddTo<kStreams>(states, work);
}

HM_SHA_TARGET inline void Store(const State& state, TreeNode& digest) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  // From f,e,b,a and h,g,d,c, lowest lane first, to a, b, c, d and e, f, g, h.
  const __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
  const __m128i abcd = _mm_blend_epi16(feba, dchg, 0xf0);
  const __m128i efgh = _mm_alignr_epi8(dchg, feba, 8);
  auto* out = reinterpret_cast<__m128i*>(digest.data());
  _mm_storeu_si128(out, _mm_shuffle_epi8(abcd, big_endian));
  _mm_storeu_si128(out + 1, _mm_shuffle_epi8(efgh, big_endian));
}

// kStreams messages that follow each other.
template <std::size_t kStreams>
HM_SHA_TARGET void HashGroup(const std::byte* messages, std::size_t message_bytes,
                             const std::array<std::uint32_t, 64>& padding, TreeNode* digests) {
  // FIPS 180-4, 5.3.3.
  const State initial = {
      _mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f,
                    static_cast<int>(0x9b05688c)),
      _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
  std::array<State, kStreams> states;
  std::array<const std::byte*, kStreams> blocks;
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) {
    states[s] = initial;
    blocks[s] = messages + s * message_bytes;
  }
  for (std::size_t done = 0; done < message_bytes; done += 64) {
    Compress<kStreams>(states, blocks);
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kStreams; ++s) blocks[s] += 64;
  }
  CompressPadding<kStreams>(states, padding);
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) Store(states[s], digests[s]);
}

}  // namespace

void HM_SHA_MANY(const std::byte* messages, std::size_t message_bytes,
                 std::span<TreeNode> digests) {
  std::array<std::uint32_t, 64> other;
  const std::array<std::uint32_t, 64>* padding = &kLeafPadding;
  if (message_bytes == 2 * sizeof(TreeNode)) {
    padding = &kParentPadding;
  } else if (message_bytes != kTreeBlock) {
    other = PaddingSchedule(message_bytes);
    padding = &other;
  }
  std::size_t done = 0;
  while (done < digests.size()) {
    const std::byte* const next = messages + done * message_bytes;
    const std::size_t left = digests.size() - done;
    if (left >= 3 && left != 4) {  // four are better two and two than three and one
      HashGroup<3>(next, message_bytes, *padding, &digests[done]);
      done += 3;
    } else if (left >= 2) {
      HashGroup<2>(next, message_bytes, *padding, &digests[done]);
      done += 2;
    } else {
      HashGroup<1>(next, message_bytes, *padding, &digests[done]);
      done += 1;
    }
  }
}

}  // namespace hallmark
