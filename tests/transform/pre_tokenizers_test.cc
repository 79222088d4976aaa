#include "transform/pre_tokenizers.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// The names that llama.cpp's converter has for the publishers' own tokenizers, by what it makes of
// one text; confirmed with real vocabularies by tests/peer/tokenizer_peer.py.
TEST(PreTokenizers, AreToldApartByWhatTheyDo) {
  const auto name = [](std::string_view like, const PreTokenizerContext& context) {
    const PreTokenizer* row = FindPreTokenizer(FindPreTokenizer(like)->steps, context);
    return row == nullptr ? "" : row->name;
  };
  EXPECT_EQ(name("llama-bpe", {"llama", true}), "llama-bpe");
  EXPECT_EQ(name("llama-bpe", {"smollm3", false}), "smaug-bpe");
  EXPECT_EQ(name("qwen2", {"qwen2", false}), "qwen2");
  EXPECT_EQ(name("qwen2", {"qwen3", false}), "qwen2");
  EXPECT_EQ(name("qwen2", {"qwen2", true}), "deepseek-r1-qwen");
  EXPECT_EQ(name("smollm", {"llama", false}), "smollm");
  EXPECT_EQ(name("smollm", {"starcoder2", false}), "starcoder");
  EXPECT_EQ(name("tekken", {"llama", true}), "tekken");
  EXPECT_EQ(name("gpt-2", {"", false}), "gpt-2");
}

TEST(PreTokenizers, UnknownStepsHaveNoName) {
  EXPECT_EQ(FindPreTokenizer("default"), nullptr);
  EXPECT_EQ(FindPreTokenizer(std::span<const PreTokenizerStep>{}, {}), nullptr);
  const PreTokenizerStep steps[] = {{PreTokenizerStep::Kind::kSplit, R"(\w+)"},
                                    {PreTokenizerStep::Kind::kUnknown, "Metaspace"},
                                    {PreTokenizerStep::Kind::kBytes}};
  EXPECT_EQ(FindPreTokenizer(steps, {}), nullptr);
  EXPECT_EQ(SpellSteps(steps), R"(Split \w+, Metaspace, ByteLevel)");
}

}  // namespace
}  // namespace hallmark
