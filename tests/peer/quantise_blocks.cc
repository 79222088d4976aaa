// What quantise_blocks_peer.py compares with ggml: reads values, writes their blocks and, last, a
// byte: 1 if all scales are finite, else 0.
// usage: quantise_blocks TYPE ROW_LENGTH plain|importance fast|definition <F32 >BLOCKS
//        with importance, the first ROW_LENGTH floats are that
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "src/kernels/quantise.h"

int main(int count, char** arguments) {
  using namespace hallmark;
  const auto dtype = count == 5 ? DtypeByName(arguments[1]) : std::nullopt;
  if (!dtype || !CanQuantise(*dtype)) return 2;
  const auto row_length = static_cast<std::size_t>(std::atoll(arguments[2]));
  const DtypeInfo& info = InfoOf(*dtype);
  if (row_length == 0 || row_length % info.block_values != 0) return 2;

  std::vector<float> numbers, part(1 << 16);
  while (const std::size_t size = std::fread(part.data(), sizeof(float), part.size(), stdin)) {
    numbers.insert(numbers.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size));
  }
  if (numbers.size() % row_length != 0 || numbers.empty()) return 2;
  std::span<const float> values = numbers, importance;
  if (std::string_view(arguments[3]) == "importance") {
    importance = values.first(row_length);
    values = values.subspan(row_length);
  }
  std::vector<std::byte> blocks(values.size() / info.block_values * info.block_bytes);
  const bool by_definition = std::string_view(arguments[4]) == "definition";
  const bool finite = (by_definition ? QuantiseByDefinition : Quantise)(*dtype, values, row_length,
                                                                        importance, blocks);
  blocks.push_back(static_cast<std::byte>(finite));
  const bool written = std::fwrite(blocks.data(), 1, blocks.size(), stdout) == blocks.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
