// Quantises f32 values to ggml's block types, bit for bit as ggml does.
#pragma once

#include <span>

#include "src/base/bytes.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// Whether Quantise takes the type: q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k iq4_nl iq4_xs
// tq1_0 tq2_0 mxfp4.
bool CanQuantise(Dtype dtype);

// Quantises whole rows of `row_length` values each, a multiple of the type's block, to exactly as
// many blocks. `importance` has a weight for every value of a row, the same for all rows, or is
// empty. False if the result holds a scale that is not finite (llama-quantize refuses it then),
// which values that are not finite, or too large, lead to; `blocks` are written all the same.
//
// The bits are those of ggml_quantize_chunk in llama.cpp's x86-64 build: f32 arithmetic in ggml's
// order, never contracted. tq1_0, tq2_0, q8_0 and mxfp4 do not look at the importance. Rows are
// independent of each other, so that a tensor may be cut at any row.
bool Quantise(Dtype dtype, std::span<const float> values, std::size_t row_length,
              std::span<const float> importance, MutableByteSpan blocks);

// The same by ggml's definition of each type, block after block: what Quantise is tested against.
// Slow.
bool QuantiseByDefinition(Dtype dtype, std::span<const float> values, std::size_t row_length,
                          std::span<const float> importance, MutableByteSpan blocks);

}  // namespace hallmark
