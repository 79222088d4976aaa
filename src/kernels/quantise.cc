#include "src/kernels/quantise.h"

#include "src/base/error.h"
#include "src/kernels/quantise_arithmetic.h"
#include "src/kernels/quantise_definition.h"
#include "src/kernels/quantise_simd.h"

namespace hallmark {
namespace {

struct ByDefinition {
  std::span<const float> values;
  std::size_t row_length;
  std::span<const float> importance;
  MutableByteSpan blocks;
  bool& finite;

  template <typename Block>
  void operator()() const {
    constexpr std::size_t kValues = kBlockValues<Block>;
    auto* block = reinterpret_cast<Block*>(blocks.data());
    for (std::size_t row = 0; row < values.size(); row += row_length) {
      const float* const x = values.data() + row;
      const float mean_square = importance.empty() ? 0 : RowMeanSquare(x, row_length);
      for (std::size_t i = 0; i < row_length; i += kValues, ++block) {
        const float* const weights = importance.empty() ? nullptr : importance.data() + i;
        DefineBlock({x + i, weights, mean_square}, *block);
        finite = finite && ScalesAreFinite(*block);
      }
    }
  }
};

void CheckSizes(Dtype dtype, std::span<const float> values, std::size_t row_length,
                std::span<const float> importance, MutableByteSpan blocks) {
  const DtypeInfo& info = InfoOf(dtype);
  HM_CHECK(row_length != 0 && row_length % info.block_values == 0);
  HM_CHECK(values.size() % row_length == 0);
  HM_CHECK(importance.empty() || importance.size() == row_length);
  HM_CHECK(blocks.size() % info.block_bytes == 0 &&
           blocks.size() / info.block_bytes == values.size() / info.block_values);
}

}  // namespace

bool CanQuantise(Dtype dtype) {
  return QuantisableBlocks::Visit(dtype, []<typename>() {});
}

bool QuantiseByDefinition(Dtype dtype, std::span<const float> values, std::size_t row_length,
                          std::span<const float> importance, MutableByteSpan blocks) {
  CheckSizes(dtype, values, row_length, importance, blocks);
  bool finite = true;
  HM_CHECK(QuantisableBlocks::Visit(dtype,
                                    ByDefinition{values, row_length, importance, blocks, finite}));
  return finite;
}

bool Quantise(Dtype dtype, std::span<const float> values, std::size_t row_length,
              std::span<const float> importance, MutableByteSpan blocks) {
  CheckSizes(dtype, values, row_length, importance, blocks);
  return SimdQuantise(dtype, values, row_length, importance, blocks);
}

}  // namespace hallmark
