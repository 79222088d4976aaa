// GGUF's keys against those that llama.cpp's own converter wrote for the same configuration: key by
// key, type by type, in order.
#include <fmt/format.h>

#include "src/model/rope.h"
#include "tests/support/config_vectors.h"
#include "tests/support/test_support.h"
#include "transform/gguf_keys.h"

namespace hallmark {
namespace {

class GgufKeysVectors : public testing::TestWithParam<std::string> {};

std::vector<std::string> Texts(const std::vector<MetadataEntry>& entries) {
  std::vector<std::string> texts;
  for (const MetadataEntry& entry : entries) texts.push_back(EntryText(entry));
  return texts;
}

TEST_P(GgufKeysVectors, AreTheConvertersOwn) {
  const ConfigVector vector = LoadConfigVector(GetParam());
  const auto expected = vector.Gguf();
  const auto tensors = vector.Tensors();
  GgufFacts facts;
  facts.file_type = vector.FileType();
  facts.parameters = vector.Parameters();
  if (vector.generation) facts.generation_config = &*vector.generation;
  if (tensors) facts.tensors = &*tensors;
  for (const MetadataEntry& entry : expected) {
    if (entry.key == "general.name") facts.name = std::get<std::string>(entry.value);
  }

  const auto keys = GgufKeysOf(vector.config, facts);
  ASSERT_TRUE(Ok(keys));
  EXPECT_EQ(Texts(keys->entries), Texts(expected));

  const auto rope = vector.Rope();
  EXPECT_EQ(keys->rope_tensors.size(), rope.size());
  for (const RopeTensor& tensor : keys->rope_tensors) {
    ASSERT_TRUE(rope.contains(tensor.name)) << tensor.name;
    const std::vector<double> wanted(rope.at(tensor.name).begin(), rope.at(tensor.name).end());
    EXPECT_TRUE(WithinFourUlp(tensor.values, wanted)) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, GgufKeysVectors, testing::ValuesIn(ConfigVectorNames()),
                         ConfigTestName);

}  // namespace
}  // namespace hallmark
