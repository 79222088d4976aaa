// How safetensors names element types, and in which order their tensors are written.
#pragma once

#include <array>
#include <string_view>

#include "src/tensor/dtype.h"

namespace hallmark {

struct SafetensorsType {
  std::string_view name;
  Dtype dtype;
};

// The reference writer (safetensors 0.8, `enum Dtype`) puts the tensors of the last type first, so
// that every tensor lies at a multiple of its element's size.
inline constexpr std::array kSafetensorsTypes = {
    SafetensorsType{"BOOL", Dtype::kBool},
    SafetensorsType{"F4", Dtype::kF4E2m1},
    SafetensorsType{"F6_E2M3", Dtype::kF6E2m3},
    SafetensorsType{"F6_E3M2", Dtype::kF6E3m2},
    SafetensorsType{"U8", Dtype::kU8},
    SafetensorsType{"I8", Dtype::kI8},
    SafetensorsType{"F8_E5M2", Dtype::kF8E5m2},
    SafetensorsType{"F8_E4M3", Dtype::kF8E4m3},
    SafetensorsType{"F8_E8M0", Dtype::kF8E8m0},
    SafetensorsType{"F8_E4M3FNUZ", Dtype::kF8E4m3fnuz},
    SafetensorsType{"F8_E5M2FNUZ", Dtype::kF8E5m2fnuz},
    SafetensorsType{"I16", Dtype::kI16},
    SafetensorsType{"U16", Dtype::kU16},
    SafetensorsType{"F16", Dtype::kF16},
    SafetensorsType{"BF16", Dtype::kBf16},
    SafetensorsType{"I32", Dtype::kI32},
    SafetensorsType{"U32", Dtype::kU32},
    SafetensorsType{"F32", Dtype::kF32},
    SafetensorsType{"C64", Dtype::kC64},
    SafetensorsType{"F64", Dtype::kF64},
    SafetensorsType{"I64", Dtype::kI64},
    SafetensorsType{"U64", Dtype::kU64},
};

inline constexpr std::uint64_t kSafetensorsHeaderLimit = 100'000'000;  // as in the reference reader
inline constexpr std::string_view kSafetensorsMetadataKey = "__metadata__";

}  // namespace hallmark
