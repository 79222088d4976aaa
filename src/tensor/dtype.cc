#include "src/tensor/dtype.h"

#include <array>

#include "src/base/error.h"

namespace hallmark {
namespace {

// Plain types: safetensors 0.8 and torch 2.13. Block types: ggml.h and ggml-common.h of llama.cpp.
// clang-format off
constexpr std::array kTable = {
    DtypeInfo{Dtype::kF64,  "f64",  1, 8, false, 8},
    DtypeInfo{Dtype::kF32,  "f32",  1, 4, false, 4},
    DtypeInfo{Dtype::kF16,  "f16",  1, 2, false, 2},
    DtypeInfo{Dtype::kBf16, "bf16", 1, 2, false, 2},
    DtypeInfo{Dtype::kBool, "bool", 1, 1, false, 1},
    DtypeInfo{Dtype::kU8,   "u8",   1, 1, false, 1},
    DtypeInfo{Dtype::kI8,   "i8",   1, 1, false, 1},
    DtypeInfo{Dtype::kU16,  "u16",  1, 2, false, 2},
    DtypeInfo{Dtype::kI16,  "i16",  1, 2, false, 2},
    DtypeInfo{Dtype::kU32,  "u32",  1, 4, false, 4},
    DtypeInfo{Dtype::kI32,  "i32",  1, 4, false, 4},
    DtypeInfo{Dtype::kU64,  "u64",  1, 8, false, 8},
    DtypeInfo{Dtype::kI64,  "i64",  1, 8, false, 8},
    DtypeInfo{Dtype::kC32,  "c32",  1, 4, false, 2},
    DtypeInfo{Dtype::kC64,  "c64",  1, 8, false, 4},
    DtypeInfo{Dtype::kC128, "c128", 1, 16, false, 8},
    DtypeInfo{Dtype::kF8E4m3,     "f8_e4m3",     1, 1, false, 1},
    DtypeInfo{Dtype::kF8E5m2,     "f8_e5m2",     1, 1, false, 1},
    DtypeInfo{Dtype::kF8E4m3fnuz, "f8_e4m3fnuz", 1, 1, false, 1},
    DtypeInfo{Dtype::kF8E5m2fnuz, "f8_e5m2fnuz", 1, 1, false, 1},
    DtypeInfo{Dtype::kF8E8m0,     "f8_e8m0",     1, 1, false, 1},
    DtypeInfo{Dtype::kF6E2m3,     "f6_e2m3",     4, 3, false, 0},
    DtypeInfo{Dtype::kF6E3m2,     "f6_e3m2",     4, 3, false, 0},
    DtypeInfo{Dtype::kF4E2m1,     "f4_e2m1",     2, 1, false, 1},
    DtypeInfo{Dtype::kQ4_0, "q4_0", 32, 18, true, 0},
    DtypeInfo{Dtype::kQ4_1, "q4_1", 32, 20, true, 0},
    DtypeInfo{Dtype::kQ5_0, "q5_0", 32, 22, true, 0},
    DtypeInfo{Dtype::kQ5_1, "q5_1", 32, 24, true, 0},
    DtypeInfo{Dtype::kQ8_0, "q8_0", 32, 34, true, 0},
    DtypeInfo{Dtype::kQ8_1, "q8_1", 32, 36, true, 0},
    DtypeInfo{Dtype::kQ2_K, "q2_k", 256, 84, true, 0},
    DtypeInfo{Dtype::kQ3_K, "q3_k", 256, 110, true, 0},
    DtypeInfo{Dtype::kQ4_K, "q4_k", 256, 144, true, 0},
    DtypeInfo{Dtype::kQ5_K, "q5_k", 256, 176, true, 0},
    DtypeInfo{Dtype::kQ6_K, "q6_k", 256, 210, true, 0},
    DtypeInfo{Dtype::kQ8_K, "q8_k", 256, 292, true, 0},
    DtypeInfo{Dtype::kIq2Xxs, "iq2_xxs", 256, 66, true, 0},
    DtypeInfo{Dtype::kIq2Xs,  "iq2_xs",  256, 74, true, 0},
    DtypeInfo{Dtype::kIq3Xxs, "iq3_xxs", 256, 98, true, 0},
    DtypeInfo{Dtype::kIq1S,   "iq1_s",   256, 50, true, 0},
    DtypeInfo{Dtype::kIq4Nl,  "iq4_nl",  32, 18, true, 0},
    DtypeInfo{Dtype::kIq3S,   "iq3_s",   256, 110, true, 0},
    DtypeInfo{Dtype::kIq2S,   "iq2_s",   256, 82, true, 0},
    DtypeInfo{Dtype::kIq4Xs,  "iq4_xs",  256, 136, true, 0},
    DtypeInfo{Dtype::kIq1M,   "iq1_m",   256, 56, true, 0},
    DtypeInfo{Dtype::kTq1_0,  "tq1_0",   256, 54, true, 0},
    DtypeInfo{Dtype::kTq2_0,  "tq2_0",   256, 66, true, 0},
    DtypeInfo{Dtype::kMxfp4,  "mxfp4",   32, 17, true, 0},
    DtypeInfo{Dtype::kNvfp4,  "nvfp4",   64, 36, true, 0},
    DtypeInfo{Dtype::kQ1_0,   "q1_0",    128, 18, true, 0},
    DtypeInfo{Dtype::kQ2_0,   "q2_0",    64, 18, true, 0},
    DtypeInfo{Dtype::kQ4_0Ggjt1, "q4_0_ggjt1", 32, 20, true, 0},
    DtypeInfo{Dtype::kQ4_1Ggjt1, "q4_1_ggjt1", 32, 24, true, 0},
    DtypeInfo{Dtype::kQ4_2,      "q4_2",       16, 10, true, 0},
    DtypeInfo{Dtype::kQ4_3,      "q4_3",       16, 12, true, 0},
    DtypeInfo{Dtype::kQ5_0Ggjt1, "q5_0_ggjt1", 32, 22, true, 0},
    DtypeInfo{Dtype::kQ5_1Ggjt1, "q5_1_ggjt1", 32, 24, true, 0},
    DtypeInfo{Dtype::kQ4_0Ggjt2, "q4_0_ggjt2", 32, 20, true, 0},
    DtypeInfo{Dtype::kQ4_1Ggjt2, "q4_1_ggjt2", 32, 24, true, 0},
    DtypeInfo{Dtype::kQ8_0Ggjt2, "q8_0_ggjt2", 32, 36, true, 0},
};
// clang-format on

constexpr bool TableFollowsEnum() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].dtype) != i) return false;
  }
  return true;
}
static_assert(TableFollowsEnum());

}  // namespace

const DtypeInfo& InfoOf(Dtype dtype) {
  const auto index = static_cast<std::size_t>(dtype);
  HM_CHECK(index < kTable.size());
  return kTable[index];
}

std::optional<Dtype> DtypeByName(std::string_view name) {
  for (const DtypeInfo& info : kTable) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

bool IsFloatFamily(Dtype dtype) {
  return dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBf16;
}

}  // namespace hallmark
