// The f32 values that blocks of ggml's quantised types stand for.
#pragma once

#include <span>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// Whether Dequantise takes the type: all block types, f32, f16 and bf16.
bool CanDequantise(Dtype dtype);

// Writes the value of every element of `blocks`, in order. `dtype` is one that can be dequantised,
// `blocks` is whole blocks at any address, `values` has exactly as many elements as they hold.
//
// The bits are those of dequantize_row_* in ggml-quants.c of llama.cpp, on every processor: f32
// arithmetic in ggml's order, never contracted. Where a scale makes the result a NaN it is
// 0x7fc00000, whatever NaN the processor would give. f32, f16 and bf16 are cast exactly, as
// CastExactly does. The tensor `NAME.scale` that goes with nvfp4 is not applied.
void Dequantise(Dtype dtype, ByteSpan blocks, std::span<float> values);

// The same by the plain definition of each type, value after value: what Dequantise is tested
// against. Slow.
void DequantiseByDefinition(Dtype dtype, ByteSpan blocks, std::span<float> values);

}  // namespace hallmark
