// Any bytes are refused as an importance matrix, with a reason, or give weights that are all finite
// and no more numbers than the file has bytes.
#include "transform/importance_matrix.h"

#include <algorithm>
#include <cmath>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  const auto file = MakeMemoryFile(std::vector<std::byte>(bytes, bytes + size), "fuzz");
  const auto matrix = ReadImportanceMatrix(*file);
  if (!matrix) {
    HM_CHECK(matrix.error().subject == "fuzz" && !matrix.error().message.empty());
    return 0;
  }
  HM_CHECK(!matrix->weights.empty());
  std::uint64_t count = 0;
  for (const auto& [name, weights] : matrix->weights) {
    HM_CHECK(!weights.empty());
    HM_CHECK(std::ranges::all_of(weights, [](float weight) { return std::isfinite(weight); }));
    count += weights.size();
  }
  HM_CHECK(count <= size / sizeof(float));
  return 0;
}
