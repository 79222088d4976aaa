#include "src/kernels/dequantise.h"

#include "src/base/error.h"
#include "src/kernels/dequantise_simd.h"
#include "src/kernels/narrow.h"

namespace hallmark {

bool CanDequantise(Dtype dtype) {
  return InfoOf(dtype).is_block_quantised || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBf16;
}

void Dequantise(Dtype dtype, ByteSpan blocks, std::span<float> values) {
  const DtypeInfo& info = InfoOf(dtype);
  const std::size_t count = blocks.size() / info.block_bytes;
  HM_CHECK(CanDequantise(dtype) && blocks.size() % info.block_bytes == 0);
  HM_CHECK(values.size() % info.block_values == 0 && values.size() / info.block_values == count);
  if (info.is_block_quantised) {
    SimdDequantise(dtype, blocks.data(), count, values.data());
  } else {
    HM_CHECK(CastExactly(dtype, Dtype::kF32, blocks, std::as_writable_bytes(values)));
  }
}

}  // namespace hallmark
