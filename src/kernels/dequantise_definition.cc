// Each block type as ggml-quants.c of llama.cpp defines it, in the same order of operations.
#include <bit>
#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/kernels/blocks.h"
#include "src/kernels/codebooks.h"
#include "src/kernels/dequantise.h"
#include "src/kernels/narrow.h"

namespace hallmark {
namespace {

float ValueOf(F16 half) {
  return static_cast<float>(std::bit_cast<double>(WidenBits(Dtype::kF16, half.bits.Get())));
}
float ValueOf(F32 single) { return single.Get(); }

// Half of 2^(e - 127), since kFp4Levels are doubled.
float HalfE8m0(std::uint8_t e) { return std::ldexp(1.0f, e - 128); }

// Half of an unsigned E4M3; its only NaN counts as zero, and the top bit for nothing.
float HalfUe4m3(std::uint8_t bits) {
  if (bits == 0x7f) return 0;
  const int exponent = bits >> 3 & 15;
  const int fraction = bits & 7;
  return exponent == 0 ? std::ldexp(static_cast<float>(fraction), -10)
                       : std::ldexp(static_cast<float>(fraction + 8), exponent - 11);
}

int BitOf(std::uint32_t bits, int index) { return static_cast<int>(bits >> index & 1); }
float SignOf(unsigned signs, int index) { return signs >> index & 1 ? -1.0f : 1.0f; }

// The nibble of value i of 2n, in n bytes.
int Halved(const std::uint8_t* bytes, int n, int i) { return bytes[i % n] >> (i / n * 4) & 15; }
int Interleaved(const std::uint8_t* bytes, int i) { return bytes[i / 2] >> (i % 2 * 4) & 15; }
// Two bits of value i of 256, in 64 bytes.
int TwoBits(const std::uint8_t* bytes, int i) {
  return bytes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}
// The nibble of value i of 256, in 128 bytes.
int KNibble(const std::uint8_t* bytes, int i) { return Halved(bytes + i / 64 * 32, 32, i % 64); }

void Values(const BlockQ4_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Halved(block.qs, 16, i) - 8) * d;
}

void Values(const BlockQ4_1& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Halved(block.qs, 16, i)) * d + m;
}

void Values(const BlockQ5_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) {
    const int q = Halved(block.qs, 16, i) | BitOf(block.qh.Get(), i) << 4;
    y[i] = static_cast<float>(q - 16) * d;
  }
}

void Values(const BlockQ5_1& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 32; ++i) {
    const int q = Halved(block.qs, 16, i) | BitOf(block.qh.Get(), i) << 4;
    y[i] = static_cast<float>(q) * d + m;
  }
}

void Values(const BlockQ8_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = block.qs[i] * d;
}

void Values(const BlockQ8_1& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = block.qs[i] * d;
}

void Values(const BlockQ2_K& block, float* y) {
  const float d = ValueOf(block.d), dmin = ValueOf(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const std::uint8_t packed = block.scales[i / 16];
    const float scale = d * static_cast<float>(packed & 15);
    const float minimum = dmin * static_cast<float>(packed >> 4);
    y[i] = scale * static_cast<float>(TwoBits(block.qs, i)) - minimum;
  }
}

void Values(const BlockQ3_K& block, float* y) {
  const float d = ValueOf(block.d);
  const ScalesQ3 scales = UnpackScalesQ3(block.scales);
  for (int i = 0; i < 256; ++i) {
    const int q = TwoBits(block.qs, i) - (BitOf(block.hmask[i % 32], i / 32) ? 0 : 4);
    y[i] = d * scales.scale[i / 16] * static_cast<float>(q);
  }
}

void Values(const BlockQ4_K& block, float* y) {
  const float d = ValueOf(block.d), dmin = ValueOf(block.dmin);
  const ScalesQ4 scales = UnpackScalesQ4(block.scales);
  for (int i = 0; i < 256; ++i) {
    const float scale = d * scales.scale[i / 32];
    const float minimum = dmin * scales.minimum[i / 32];
    y[i] = scale * static_cast<float>(KNibble(block.qs, i)) - minimum;
  }
}

void Values(const BlockQ5_K& block, float* y) {
  const float d = ValueOf(block.d), dmin = ValueOf(block.dmin);
  const ScalesQ4 scales = UnpackScalesQ4(block.scales);
  for (int i = 0; i < 256; ++i) {
    const float scale = d * scales.scale[i / 32];
    const float minimum = dmin * scales.minimum[i / 32];
    const int q = KNibble(block.qs, i) | BitOf(block.qh[i % 32], i / 32) << 4;
    y[i] = scale * static_cast<float>(q) - minimum;
  }
}

void Values(const BlockQ6_K& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 256; ++i) {
    const int low = Halved(block.ql + i / 128 * 64, 64, i % 128);
    const int q = (low | TwoBits(block.qh, i) << 4) - 32;
    y[i] = d * block.scales[i / 16] * static_cast<float>(q);
  }
}

void Values(const BlockQ8_K& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 256; ++i) y[i] = d * block.qs[i];
}

void Values(const BlockIq2Xxs& block, float* y) {
  const float d = ValueOf(block.d);
  for (const auto& group : block.groups) {
    const std::uint32_t packed = group.signs_and_scale.Get();
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.25f;
    for (int row = 0; row < 4; ++row) {
      const unsigned signs = EvenSigns(packed >> (7 * row) & 127);
      for (int j = 0; j < 8; ++j) {
        *y++ = scale * kIq2XxsRows[group.rows[row]][j] * SignOf(signs, j);
      }
    }
  }
}

void Values(const BlockIq2Xs& block, float* y) {
  const float d = ValueOf(block.d);
  for (int row = 0; row < 32; ++row) {
    const int packed_scale = block.scales[row / 4] >> (row / 2 % 2 * 4) & 15;
    const float scale = d * (0.5f + static_cast<float>(packed_scale)) * 0.25f;
    const unsigned packed = block.qs[row].Get();
    for (int j = 0; j < 8; ++j) {
      *y++ = scale * kIq2XsRows[packed & 511][j] * SignOf(EvenSigns(packed >> 9), j);
    }
  }
}

void Values(const BlockIq2S& block, float* y) {
  const float d = ValueOf(block.d);
  for (int row = 0; row < 32; ++row) {
    const int packed_scale = block.scales[row / 4] >> (row / 2 % 2 * 4) & 15;
    const float scale = d * (0.5f + static_cast<float>(packed_scale)) * 0.25f;
    const int index = block.qs[row] | (block.qh[row / 4] >> (row % 4 * 2) & 3) << 8;
    for (int j = 0; j < 8; ++j) {
      *y++ = scale * kIq2SRows[index][j] * SignOf(block.signs[row], j);
    }
  }
}

void Values(const BlockIq3Xxs& block, float* y) {
  const float d = ValueOf(block.d);
  for (int row = 0; row < 64; ++row) {
    const std::uint32_t packed = block.signs_and_scale[row / 8].Get();
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.5f;
    const unsigned signs = EvenSigns(packed >> (row % 8 / 2 * 7) & 127);
    for (int j = 0; j < 4; ++j) {
      *y++ = scale * kIq3XxsRows[block.qs[row]][j] * SignOf(signs, row % 2 * 4 + j);
    }
  }
}

void Values(const BlockIq3S& block, float* y) {
  const float d = ValueOf(block.d);
  for (int row = 0; row < 64; ++row) {
    const int packed_scale = block.scales[row / 16] >> (row / 8 % 2 * 4) & 15;
    const float scale = d * static_cast<float>(1 + 2 * packed_scale);
    const int index = block.qs[row] | BitOf(block.qh[row / 8], row % 8) << 8;
    for (int j = 0; j < 4; ++j) {
      *y++ = scale * kIq3SRows[index][j] * SignOf(block.signs[row / 2], row % 2 * 4 + j);
    }
  }
}

void Values(const BlockIq1S& block, float* y) {
  const float d = ValueOf(block.d);
  for (int row = 0; row < 32; ++row) {
    const int packed = block.qh[row / 4].Get();
    const float scale = d * static_cast<float>(2 * (packed >> 12 & 7) + 1);
    const float delta = packed & 0x8000 ? -0.125f : 0.125f;
    const int index = block.qs[row] | (packed >> (row % 4 * 3) & 7) << 8;
    for (int j = 0; j < 8; ++j) *y++ = scale * (kIq1Rows[index][j] + delta);
  }
}

void Values(const BlockIq1M& block, float* y) {
  const float d = ValueOf(ScaleIq1M(block));
  for (int row = 0; row < 32; ++row) {
    const int packed_scale = block.scales[row / 8].Get() >> (row / 2 % 4 * 3) & 7;
    const float scale = d * static_cast<float>(2 * packed_scale + 1);
    const int high = block.qh[row / 2] >> (row % 2 * 4) & 15;
    const float delta = high & 8 ? -0.125f : 0.125f;
    const int index = block.qs[row] | (high & 7) << 8;
    for (int j = 0; j < 8; ++j) *y++ = scale * (kIq1Rows[index][j] + delta);
  }
}

void Values(const BlockIq4Nl& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = d * kIq4Levels[Halved(block.qs, 16, i)];
}

void Values(const BlockIq4Xs& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(ScaleIq4Xs(block, i / 32));
    y[i] = scale * kIq4Levels[Halved(block.qs + i / 32 * 16, 16, i % 32)];
  }
}

// The first of the trits left in a byte: it holds ceil(256 / 243 * five trits, highest first), so
// that times 3 each trit in turn comes out on top.
int TopTrit(unsigned byte) { return static_cast<int>((byte & 255) * 3 >> 8); }

void Values(const BlockTq1_0& block, float* y) {
  constexpr unsigned kPowers[] = {1, 3, 9, 27, 81};
  const float d = ValueOf(block.d);
  const auto expand = [&](const std::uint8_t* bytes, int count, int trits) {
    for (int n = 0; n < trits; ++n) {
      for (int j = 0; j < count; ++j) {
        *y++ = static_cast<float>(TopTrit(bytes[j] * kPowers[n]) - 1) * d;
      }
    }
  };
  expand(block.qs, 32, 5);
  expand(block.qs + 32, 16, 5);
  expand(block.qh, 4, 4);
}

void Values(const BlockTq2_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 256; ++i) y[i] = static_cast<float>(TwoBits(block.qs, i) - 1) * d;
}

void Values(const BlockMxfp4& block, float* y) {
  const float d = HalfE8m0(block.e);
  for (int i = 0; i < 32; ++i) y[i] = kFp4Levels[Halved(block.qs, 16, i)] * d;
}

void Values(const BlockNvfp4& block, float* y) {
  for (int i = 0; i < 64; ++i) {
    y[i] = kFp4Levels[Halved(block.qs[i / 16], 8, i % 16)] * HalfUe4m3(block.d[i / 16]);
  }
}

void Values(const BlockQ1_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 128; ++i) y[i] = BitOf(block.qs[i / 8], i % 8) ? d : -d;
}

void Values(const BlockQ2_0& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 64; ++i) {
    y[i] = static_cast<float>((block.qs[i / 4] >> (i % 4 * 2) & 3) - 1) * d;
  }
}

void Values(const BlockQ4_0Ggjt1& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Interleaved(block.qs, i) - 8) * d;
}

void Values(const BlockQ4_1Ggjt1& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Interleaved(block.qs, i)) * d + m;
}

void Values(const BlockQ4_2& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 16; ++i) y[i] = static_cast<float>(Interleaved(block.qs, i) - 8) * d;
}

void Values(const BlockQ4_3& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 16; ++i) y[i] = static_cast<float>(Interleaved(block.qs, i)) * d + m;
}

void Values(const BlockQ5_0Ggjt1& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) {
    const int q = Interleaved(block.qs, i) | BitOf(block.qh.Get(), i) << 4;
    y[i] = static_cast<float>(q - 16) * d;
  }
}

void Values(const BlockQ5_1Ggjt1& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 32; ++i) {
    const int q = Interleaved(block.qs, i) | BitOf(block.qh.Get(), i) << 4;
    y[i] = static_cast<float>(q) * d + m;
  }
}

void Values(const BlockQ4_0Ggjt2& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Halved(block.qs, 16, i) - 8) * d;
}

void Values(const BlockQ4_1Ggjt2& block, float* y) {
  const float d = ValueOf(block.d), m = ValueOf(block.m);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(Halved(block.qs, 16, i)) * d + m;
}

void Values(const BlockQ8_0Ggjt2& block, float* y) {
  const float d = ValueOf(block.d);
  for (int i = 0; i < 32; ++i) y[i] = block.qs[i] * d;
}

struct ByDefinition {
  ByteSpan blocks;
  std::span<float> values;

  template <typename Block>
  void operator()() const {
    HM_CHECK(blocks.size() % sizeof(Block) == 0);
    HM_CHECK(values.size() == blocks.size() / sizeof(Block) * kBlockValues<Block>);
    float* y = values.data();
    for (std::size_t at = 0; at < blocks.size(); at += sizeof(Block), y += kBlockValues<Block>) {
      Block block;
      std::memcpy(&block, blocks.data() + at, sizeof block);
      Values(block, y);
    }
    for (float& value : values) {
      if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
    }
  }
};

}  // namespace

void DequantiseByDefinition(Dtype dtype, ByteSpan blocks, std::span<float> values) {
  if (AllBlocks::Visit(dtype, ByDefinition{blocks, values})) return;
  const std::size_t size = InfoOf(dtype).block_bytes;
  HM_CHECK(CanDequantise(dtype) && blocks.size() % size == 0);
  HM_CHECK(values.size() == blocks.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, blocks.data() + i * size, size);
    const auto narrow = NarrowBits(Dtype::kF32, WidenBits(dtype, bits));
    HM_CHECK(narrow.has_value());
    values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(*narrow));
  }
}

}  // namespace hallmark
