// The fixtures that llama-quantize and ggml_quantize_chunk made, from the values that they were
// made of (expected.json).
#include "src/kernels/dequantise.h"
#include "src/kernels/quantise.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::vector<float> ValuesOf(std::string_view path, const ExpectedTensor& tensor) {
  const DtypeInfo& info = InfoOf(*DtypeByName(tensor.dtype));
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : tensor.shape) count *= dimension;
  std::vector<float> values(count);
  Dequantise(info.dtype,
             AsBytes(ReadFixture(path)).subspan(*tensor.offset, count * info.block_bytes), values);
  return values;
}

// Counts the tensor under its type.
void ExpectBlocks(const std::string& what, const std::vector<float>& values,
                  const ExpectedTensor& tensor, std::map<std::string, int>& tensors_of) {
  const DtypeInfo& info = InfoOf(*DtypeByName(tensor.dtype));
  if (!CanQuantise(info.dtype)) return;
  std::vector<std::byte> blocks(values.size() / info.block_values * info.block_bytes);
  EXPECT_TRUE(Quantise(info.dtype, values, tensor.shape.back(), {}, blocks)) << what;
  EXPECT_EQ(Sha256Hex(blocks), tensor.sha256) << what << " " << tensor.dtype;
  EXPECT_TRUE(QuantiseByDefinition(info.dtype, values, tensor.shape.back(), {}, blocks)) << what;
  EXPECT_EQ(Sha256Hex(blocks), tensor.sha256) << what << " " << tensor.dtype << " by definition";
  ++tensors_of[tensor.dtype];
}

TEST(QuantiseFixtures, GivesTheBlocksOfGgml) {
  std::map<std::string, int> tensors_of;
  const ExpectedFile& zoo = ExpectedOf("gguf/zoo-types.gguf");
  const auto source = ValuesOf(zoo.path, zoo.tensors.at("src.f32"));
  for (const auto& [name, tensor] : zoo.tensors) {
    if (name.starts_with("zoo.")) ExpectBlocks(name, source, tensor, tensors_of);
  }
  for (const std::string model : {"tiny", "k256"}) {
    const ExpectedFile& original = ExpectedOf("gguf/" + model + "-f16.gguf");
    std::map<std::string, std::vector<float>> values;
    for (const auto& [name, tensor] : original.tensors) {
      values[name] = ValuesOf(original.path, tensor);
    }
    for (const ExpectedFile& file : ExpectedFiles()) {
      if (!file.path.starts_with("gguf/" + model + "-")) continue;
      for (const auto& [name, tensor] : file.tensors) {
        ExpectBlocks(file.path + " " + name, values.at(name), tensor, tensors_of);
      }
    }
  }
  for (const DtypeInfo& info : kDtypes) {
    if (!CanQuantise(info.dtype)) continue;
    EXPECT_GT(tensors_of[std::string(info.name)], 0) << info.name;
  }
}

}  // namespace
}  // namespace hallmark
