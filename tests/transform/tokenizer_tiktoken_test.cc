#include "transform/tokenizer_tiktoken.h"

#include <fmt/format.h>

#include "src/base/base64.h"
#include "tests/support/test_support.h"
#include "transform/tokenizer_merges.h"

namespace hallmark {
namespace {

// The 256 bytes, ranks 0 to 255.
std::string Bytes() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) {
    text += fmt::format("{} {}\n", ToBase64(std::string(1, static_cast<char>(byte))), byte);
  }
  return text;
}

TEST(Tiktoken, ReadsTokensByRank) {
  const auto tokens = ReadTiktoken(Bytes() + "aGVsbG8= 256\r\n", "test.model");
  ASSERT_TRUE(Ok(tokens));
  ASSERT_EQ(tokens->size(), 257u);
  EXPECT_EQ((*tokens)[0], std::string(1, '\0'));
  EXPECT_EQ((*tokens)[256], "hello");
}

TEST(Tiktoken, RefusesWhatIsNoVocabulary) {
  for (const std::string& text :
       {std::string(), Bytes().substr(8), Bytes() + "aGVsbG8=\n", Bytes() + "aGVsbG8= 257\n",
        Bytes() + "aGVsbG8 256\n", Bytes() + "aGVsbG8= -1\n", Bytes() + " 256\n",
        Bytes() + "AA== 256\n", Bytes() + "aGVsbG8= 99999999999999999999\n"}) {
    const auto tokens = ReadTiktoken(text, "test.model");
    ASSERT_FALSE(tokens) << text.substr(text.size() < 30 ? 0 : text.size() - 30);
    EXPECT_EQ(tokens.error().code, Errc::kMalformed);
  }
}

TEST(Tiktoken, SpecialTokensAreMetas) {  // llama_models' tokenizer.py, Llama 3 and 3.1
  const auto llama3 = Llama3SpecialTokens(false);
  const auto llama31 = Llama3SpecialTokens(true);
  ASSERT_EQ(llama3.size(), 256u);
  ASSERT_EQ(llama31.size(), 256u);
  for (const auto& tokens : {llama3, llama31}) {
    EXPECT_EQ(tokens[0], "<|begin_of_text|>");
    EXPECT_EQ(tokens[1], "<|end_of_text|>");
    EXPECT_EQ(tokens[6], "<|start_header_id|>");
    EXPECT_EQ(tokens[7], "<|end_header_id|>");
    EXPECT_EQ(tokens[9], "<|eot_id|>");
  }
  EXPECT_EQ(llama3[8], "<|reserved_special_token_4|>");
  EXPECT_EQ(llama3[255], "<|reserved_special_token_250|>");
  EXPECT_EQ(llama31[4], "<|finetune_right_pad_id|>");
  EXPECT_EQ(llama31[8], "<|eom_id|>");
  EXPECT_EQ(llama31[10], "<|python_tag|>");
  EXPECT_EQ(llama31[255], "<|reserved_special_token_247|>");
}

TEST(Tiktoken, WritesOnlyTokensOfBytesThatStandFirst) {
  Tokenizer tokenizer;
  EXPECT_FALSE(WriteTiktoken(tokenizer));  // pieces
  tokenizer.kind = TokenizerKind::kBytePairs;
  for (int byte = 0; byte < 256; ++byte) {
    tokenizer.tokens.push_back({ToByteAlphabet(std::string(1, static_cast<char>(byte)))});
  }
  const auto written = WriteTiktoken(tokenizer);
  ASSERT_TRUE(Ok(written));
  EXPECT_EQ(*written, BytesOf(Bytes()));
  const Tokenizer whole = tokenizer;
  tokenizer.tokens.push_back({"\u2581"});  // no byte
  EXPECT_FALSE(WriteTiktoken(tokenizer));
  tokenizer.tokens.back() = {"a"};  // once more
  EXPECT_FALSE(WriteTiktoken(tokenizer));
  tokenizer.tokens.back() = {"<s>", 0, TokenType::kControl};
  EXPECT_TRUE(Ok(WriteTiktoken(tokenizer)));
  tokenizer.tokens.push_back({"ab"});  // behind a special one
  EXPECT_FALSE(WriteTiktoken(tokenizer));
  tokenizer = whole;
  tokenizer.tokens.pop_back();  // a byte less
  EXPECT_FALSE(WriteTiktoken(tokenizer));
}

}  // namespace
}  // namespace hallmark
