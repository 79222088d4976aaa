// SHA-256 with the x86 SHA instructions, several messages interleaved: one stream alone waits for
// the latency of its own rounds most of the time. Included once by each file that compiles it for a
// target, which defines HM_SHA_TARGET, the function attribute, and HM_SHA_ADVANCE, the name.
// Every function carries the target itself, so that nothing inlined from a shared header is
// compiled for a machine that may not be there.

#include <immintrin.h>

#include <array>

#include "src/hash/sha256_constants.h"
#include "src/hash/sha256_shani.h"

namespace hallmark {
namespace {

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
    const __m128i constants = Load(&kSha256Constants[4 * t]);
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

// From a, b, c, d and e, f, g, h, lowest lane first, to f, e, b, a and h, g, d, c; and back.
HM_SHA_TARGET inline State LoadState(const BlockState& state) {
  const __m128i cdab = _mm_shuffle_epi32(Load(&state.words[0]), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(Load(&state.words[4]), 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

HM_SHA_TARGET inline void StoreState(const State& from, BlockState& state) {
  const __m128i feba = _mm_shuffle_epi32(from.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(from.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&state.words[0]), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&state.words[4]), _mm_alignr_epi8(dchg, feba, 8));
}

template <std::size_t kStreams>
HM_SHA_TARGET void AdvanceGroup(BlockState* states, const std::byte* const* data,
                                std::size_t blocks) {
  std::array<State, kStreams> working;
  std::array<const std::byte*, kStreams> next;
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) {
    working[s] = LoadState(states[s]);
    next[s] = data[s];
  }
  for (; blocks != 0; --blocks) {
    Compress<kStreams>(working, next);
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kStreams; ++s) next[s] += kBlockBytes;
  }
#pragma GCC unroll 4
  for (std::size_t s = 0; s < kStreams; ++s) StoreState(working[s], states[s]);
}

}  // namespace

void HM_SHA_ADVANCE(std::span<BlockState> states, const std::byte* const* data,
                    std::size_t blocks) {
  std::size_t done = 0;
  while (done < states.size()) {
    const std::size_t left = states.size() - done;
    if (left >= 3 && left != 4) {  // four are better two and two than three and one
      AdvanceGroup<3>(&states[done], data + done, blocks);
      done += 3;
    } else if (left >= 2) {
      AdvanceGroup<2>(&states[done], data + done, blocks);
      done += 2;
    } else {
      AdvanceGroup<1>(&states[done], data + done, blocks);
      done += 1;
    }
  }
}

}  // namespace hallmark
