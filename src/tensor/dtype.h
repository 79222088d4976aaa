// Element types of stored tensors: plain numbers and ggml's blocks, in one table.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hallmark {

// Plain types are named as docs/identity.md spells them, block types as ggml does (Q4_K).
enum class Dtype : std::uint8_t {
  kF64,
  kF32,
  kF16,
  kBf16,
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kC32,
  kC64,
  kC128,
  kF8E4m3,
  kF8E5m2,
  kF8E4m3fnuz,
  kF8E5m2fnuz,
  kF8E8m0,
  kF6E2m3,
  kF6E3m2,
  kF4E2m1,
  // ggml block types
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ8_1,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kQ8_K,
  kIq2Xxs,
  kIq2Xs,
  kIq3Xxs,
  kIq1S,
  kIq4Nl,
  kIq3S,
  kIq2S,
  kIq4Xs,
  kIq1M,
  kTq1_0,
  kTq2_0,
  kMxfp4,
  kNvfp4,
  kQ1_0,
  kQ2_0,
  // ggml's block types of spring 2023, found in the files that came before GGUF. A number at the
  // end is that of the last GGJT version with this layout; files older than GGJT have those of
  // version 1.
  kQ4_0Ggjt1,
  kQ4_1Ggjt1,
  kQ4_2,
  kQ4_3,
  kQ5_0Ggjt1,
  kQ5_1Ggjt1,
  kQ4_0Ggjt2,
  kQ4_1Ggjt2,
  kQ8_0Ggjt2,
};

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;       // lower case, as identities and reports spell it: "bf16", "q4_k"
  std::uint32_t block_values;  // values a block; 1 for byte-sized plain types
  std::uint32_t block_bytes;   // bytes a block
  bool is_block_quantised;     // ggml's block types
  std::uint32_t
      component_bytes;  // unit of byte swapping: 4 for c64, 0 where swapping has no meaning
};

const DtypeInfo& InfoOf(Dtype dtype);
inline std::string_view DtypeName(Dtype dtype) { return InfoOf(dtype).name; }
std::optional<Dtype> DtypeByName(std::string_view name);  // as InfoOf spells it

// f64, f32, f16 or bf16: the types between which a lossless cast can exist.
bool IsFloatFamily(Dtype dtype);

}  // namespace hallmark
