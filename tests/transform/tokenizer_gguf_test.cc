#include "transform/tokenizer_gguf.h"

#include <limits>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using Metadata = std::vector<MetadataEntry>;

MetadataEntry Text(std::string key, std::string value) {
  return {std::move(key), std::move(value), MetadataType::kString};
}
MetadataEntry Array(std::string key, MetadataArray array) {
  return {std::move(key), std::make_shared<const MetadataArray>(std::move(array)),
          MetadataType::kArray};
}
MetadataArray Texts(std::initializer_list<std::string_view> values) {
  MetadataArray array(MetadataType::kString);
  for (const std::string_view value : values) array.AppendText(value);
  return array;
}
MetadataArray Numbers(MetadataType type, std::string_view bytes) {
  MetadataArray array(type);
  array.AppendBytes(BytesOf(bytes));
  return array;
}
Metadata Minimal() {
  return {Text("tokenizer.ggml.model", "gpt2"), Array("tokenizer.ggml.tokens", Texts({"a", "b"}))};
}

TEST(GgufTokenizer, IsNoneWithoutAModel) {
  for (const Metadata& metadata : {Metadata{}, Metadata{Text("tokenizer.ggml.model", "none")}}) {
    const auto read = ReadGgufTokenizer(metadata, "test.gguf");
    ASSERT_TRUE(Ok(read));
    EXPECT_FALSE(read->has_value());
  }
}

TEST(GgufTokenizer, TakesWhatLlamaCppTakesWhereNothingIsTold) {
  const auto read = ReadGgufTokenizer(Minimal(), "test.gguf");
  ASSERT_TRUE(Ok(read));
  EXPECT_EQ((*read)->pre_tokenizer, "default");
  EXPECT_FALSE((*read)->Adds(SpecialRole::kBos));
  auto metadata = Minimal();
  metadata.push_back(Text("tokenizer.ggml.pre", "llama-bpe"));
  EXPECT_TRUE((*ReadGgufTokenizer(metadata, "test.gguf"))->Adds(SpecialRole::kBos));
  metadata[0] = Text("tokenizer.ggml.model", "llama");
  EXPECT_TRUE((*ReadGgufTokenizer(metadata, "test.gguf"))->AddsSpacePrefix());
}

TEST(GgufTokenizer, RefusesKeysThatDoNotFit) {
  const MetadataEntry cases[] = {
      Text("tokenizer.ggml.scores", "high"),
      Array("tokenizer.ggml.scores", Numbers(MetadataType::kF32, Le32(0))),
      Array("tokenizer.ggml.scores", Numbers(MetadataType::kF64, Le64(0) + Le64(0))),
      Array("tokenizer.ggml.scores", Numbers(MetadataType::kF32, Le32(0x7fc00000) + Le32(0))),
      Array("tokenizer.ggml.token_type", Numbers(MetadataType::kI32, Le32(1) + Le32(0))),
      Array("tokenizer.ggml.token_type", Numbers(MetadataType::kI32, Le32(1) + Le32(7))),
      Array("tokenizer.ggml.merges", Texts({"ab"})),
      Array("tokenizer.ggml.merges", Texts({"a "})),
      Text("tokenizer.ggml.bos_token_id", "1"),
      Text("tokenizer.ggml.add_bos_token", "true"),
      Array("tokenizer.chat_template", Texts({"a"})),
  };
  for (const MetadataEntry& entry : cases) {
    auto metadata = Minimal();
    metadata.push_back(entry);
    const auto read = ReadGgufTokenizer(metadata, "test.gguf");
    ASSERT_FALSE(read) << entry.key;
    EXPECT_EQ(read.error().code, Errc::kMalformed);
  }
}

TEST(GgufTokenizer, SaysWhichIdsAreBeyondTheTokens) {
  auto metadata = Minimal();
  metadata.push_back({"tokenizer.ggml.eos_token_id", std::uint64_t{2}, MetadataType::kU32});
  const auto read = ReadGgufTokenizer(metadata, "test.gguf");
  ASSERT_TRUE(Ok(read));
  EXPECT_EQ((*read)->IdOf(SpecialRole::kEos), std::nullopt);
  EXPECT_THAT((*read)->notes, testing::ElementsAre(testing::HasSubstr("eos_token_id is 2")));
}

TEST(GgufTokenizer, NamesNoPreTokenizerDefaultUnlessAsked) {
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kBytePairs;
  tokenizer.pre_tokenizer_steps = "Split \\w+";
  tokenizer.tokens = {{"a"}};
  const auto refused = GgufTokenizer(tokenizer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("Split"));
  EXPECT_FALSE(refused.error().hint.empty());
  const auto keys = GgufTokenizer(tokenizer, {.allow_default_pre_tokenizer = true});
  ASSERT_TRUE(Ok(keys));
  EXPECT_EQ((*keys)[1].value, MetadataValue(std::string("default")));
}

}  // namespace
}  // namespace hallmark
