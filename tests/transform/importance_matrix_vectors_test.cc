// The matrices that llama-imatrix wrote, held against their arithmetic in numpy.
#include <span>

#include "src/json/json_reader.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"
#include "transform/importance_matrix.h"

namespace hallmark {
namespace {

class WrittenByLlamaImatrix : public testing::TestWithParam<const char*> {};

TEST_P(WrittenByLlamaImatrix, HasTheWeightsOfNumpy) {
  const auto document = JsonDocument::Parse(ReadFixture("../mixes/expected.json"), "expected.json");
  ASSERT_TRUE(Ok(document));
  const JsonValue expected = *document->Root().Find("matrices")->Find(GetParam())->Find("weights");
  const auto file = TestFile(ReadFixture(std::string("../mixes/") + GetParam()), GetParam());

  const auto matrix = ReadImportanceMatrix(*file);

  ASSERT_TRUE(Ok(matrix));
  EXPECT_EQ(matrix->path, GetParam());
  EXPECT_EQ(matrix->weights.size(), expected.Members().size());
  for (const auto& [name, weights] : matrix->weights) {
    const auto entry = expected.Find(name);
    ASSERT_TRUE(entry) << name;
    EXPECT_EQ(weights.size(), *entry->Find("count")->AsU64()) << name;
    EXPECT_EQ(Sha256Hex(std::as_bytes(std::span(weights))), *entry->Find("sha256")->AsString())
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, WrittenByLlamaImatrix,
                         testing::Values("tiny.gguf", "tiny.dat", "experts.gguf", "experts.dat"),
                         [](const auto& written) {
                           std::string name = written.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

TEST(WrittenByLlamaImatrixTiny, SaysWhatItWasMeasuredOn) {
  for (const char* name : {"tiny.gguf", "tiny.dat"}) {
    const auto file = TestFile(ReadFixture(std::string("../mixes/") + name), name);
    const auto matrix = ReadImportanceMatrix(*file);
    ASSERT_TRUE(Ok(matrix));
    EXPECT_THAT(matrix->datasets, testing::ElementsAre("measured.txt")) << name;
    EXPECT_EQ(matrix->chunks, 4U) << name;
  }
}

}  // namespace
}  // namespace hallmark
