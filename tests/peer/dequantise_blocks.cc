// What dequantise_peer.py compares with other tools: reads blocks, writes their values as f32.
// usage: dequantise_blocks TYPE <BLOCKS >VALUES
#include <cstdio>
#include <vector>

#include "src/kernels/dequantise.h"

int main(int count, char** arguments) {
  using namespace hallmark;
  const auto dtype = count == 2 ? DtypeByName(arguments[1]) : std::nullopt;
  if (!dtype || !CanDequantise(*dtype)) return 2;
  std::vector<std::byte> blocks, part(1 << 16);
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), stdin)) {
    blocks.insert(blocks.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size));
  }
  const DtypeInfo& info = InfoOf(*dtype);
  if (blocks.size() % info.block_bytes != 0) return 2;
  std::vector<float> values(blocks.size() / info.block_bytes * info.block_values);
  Dequantise(*dtype, blocks, values);
  const bool written =
      std::fwrite(values.data(), sizeof(float), values.size(), stdout) == values.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
