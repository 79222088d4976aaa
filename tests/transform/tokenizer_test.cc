#include "transform/tokenizer.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::string_view kPairs =
    R"({"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})";

TEST(ReadTokenizer, FindsNoneInAFolderWithout) {
  const TemporaryFolder folder;
  folder.Write("config.json", "{}");
  const auto read = ReadTokenizer(*FolderOnDisk(folder.Path()));
  ASSERT_TRUE(Ok(read));
  EXPECT_FALSE(read->has_value());
}

TEST(ReadTokenizer, DoesNotBelieveAnyVocabularySize) {
  const TemporaryFolder folder;
  folder.Write("tokenizer.json", kPairs);
  folder.Write("config.json", R"({"vocab_size":4000000000})");
  const auto read = ReadTokenizer(*FolderOnDisk(folder.Path()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kUnsupported);
}

TEST(ReadTokenizer, SaysWhatIsBeyondTheModel) {
  const TemporaryFolder folder;
  folder.Write("tokenizer.json", kPairs);
  folder.Write("config.json", R"({"model_type":"qwen2","vocab_size":4,"eos_token_id":7})");
  const auto read = ReadTokenizer(*FolderOnDisk(folder.Path()));
  ASSERT_TRUE(Ok(read));
  EXPECT_EQ((*read)->tokens.size(), 4u);
  EXPECT_EQ((*read)->tokens[3].text, "[PAD3]");
  EXPECT_EQ((*read)->CountWithoutPadding(), 1u);
  EXPECT_THAT((*read)->notes, testing::ElementsAre(testing::HasSubstr("eos")));
}

TEST(ReadTokenizer, RefusesTokensThatHaveTwoIds) {
  const TemporaryFolder folder;
  folder.Write("tokenizer.json",
               R"({"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},)"
               R"("merges":[]},"added_tokens":[{"id":3,"content":"a","special":true}]})");
  const auto read = ReadTokenizer(*FolderOnDisk(folder.Path()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kMalformed);
}

TEST(ReadTokenizer, RefusesRanksWhoseSpecialTokensAreNotLlama3s) {
  const TemporaryFolder folder;
  std::string ranks;
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned byte = 0; byte < 256; ++byte) {
    ranks += {kDigits[byte >> 2], kDigits[(byte & 3) << 4], '=', '=', ' '};
    ranks += std::to_string(byte) + "\n";
  }
  folder.Write("tokenizer.model", ranks);
  folder.Write("params.json", R"({"vocab_size":-1})");
  EXPECT_TRUE(Ok(ReadTokenizer(*FolderOnDisk(folder.Path()))));
  folder.Write("params.json", R"({"vocab_size":1391})");
  const auto read = ReadTokenizer(*FolderOnDisk(folder.Path()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace hallmark
