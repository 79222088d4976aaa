// The numbers by which llama.cpp calls its mixes of types.
#pragma once

#include <cstdint>

namespace hallmark {

// enum llama_ftype: what general.file_type says.
enum class FileType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ8_0 = 7,
  kQ5_0 = 8,
  kQ5_1 = 9,
  kQ2_K = 10,
  kQ3_K_S = 11,
  kQ3_K_M = 12,
  kQ3_K_L = 13,
  kQ4_K_S = 14,
  kQ4_K_M = 15,
  kQ5_K_S = 16,
  kQ5_K_M = 17,
  kQ6_K = 18,
  kIq2Xxs = 19,
  kIq2Xs = 20,
  kQ2_K_S = 21,
  kIq3Xs = 22,
  kIq3Xxs = 23,
  kIq1S = 24,
  kIq4Nl = 25,
  kIq3S = 26,
  kIq3M = 27,
  kIq2S = 28,
  kIq2M = 29,
  kIq4Xs = 30,
  kIq1M = 31,
  kBf16 = 32,
  kTq1_0 = 36,
  kTq2_0 = 37,
  kMxfp4Moe = 38,
  kQ1_0 = 40,
  kQ2_0 = 41,
};

}  // namespace hallmark
