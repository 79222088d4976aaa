// Whatever the bytes are, taken as blocks of every type: the fast way and the definition give the
// same values, bit for bit. Bytes beyond the last whole block are left out.
#include <cstring>
#include <vector>

#include "src/base/error.h"
#include "src/kernels/dequantise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  for (const DtypeInfo& info : kDtypes) {
    if (!CanDequantise(info.dtype)) continue;
    const std::size_t count = size / info.block_bytes;
    const ByteSpan blocks(reinterpret_cast<const std::byte*>(data), count * info.block_bytes);
    std::vector<float> fast(count * info.block_values), defined(fast.size());
    Dequantise(info.dtype, blocks, fast);
    DequantiseByDefinition(info.dtype, blocks, defined);
    HM_CHECK(fast.empty() || std::memcmp(fast.data(), defined.data(), fast.size() * 4) == 0);
  }
  return 0;
}
