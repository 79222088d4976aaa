#include "transform/tokenizer_json.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

Result<TokenizerJson> Read(std::string_view text) {
  return ReadTokenizerJson(text, "tokenizer.json");
}
std::string WithModel(std::string_view model) {
  return fmt::format(R"({{"decoder":{{"type":"ByteLevel"}},"model":{{"type":"BPE",{}}}}})", model);
}

TEST(TokenizerJson, ReadsMergesOfBothForms) {
  const auto json = Read(WithModel(R"("vocab":{"a":0,"b":2},"merges":["a b",["a"," b"]])"));
  ASSERT_TRUE(Ok(json));
  EXPECT_EQ(json->kind, TokenizerKind::kBytePairs);
  EXPECT_THAT(json->merges, testing::ElementsAre("a b", "a Ġb"));
  ASSERT_EQ(json->tokens.size(), 3u);
  EXPECT_EQ(json->tokens[2].text, "b");
  EXPECT_EQ(json->tokens[1].type, TokenType::kUnused);  // an id that no token has
}

TEST(TokenizerJson, RefusesIdsThatRepeatOrLie) {
  for (const char* vocabulary : {R"({"a":0,"b":0})", R"({"a":-1})", R"({"a":"0"})", "[]"}) {
    const auto json = Read(WithModel(fmt::format(R"("vocab":{},"merges":[])", vocabulary)));
    ASSERT_FALSE(json) << vocabulary;
    EXPECT_EQ(json.error().code, Errc::kMalformed);
  }
  const auto json = Read(WithModel(R"("vocab":{"a":4000000000},"merges":[])"));
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, Errc::kUnsupported);
}

TEST(TokenizerJson, RefusesMergesThatAreNoPairs) {
  for (const char* merges : {R"(["ab"])", R"([" b"])", R"(["a "])", R"([["a"]])", R"([["a",1]])",
                             R"([["a","b","c"]])", "[3]"}) {
    EXPECT_FALSE(Read(WithModel(fmt::format(R"("vocab":{{}},"merges":{})", merges)))) << merges;
  }
}

TEST(TokenizerJson, ReadsNoOtherModels) {
  for (const char* text :
       {R"({"model":{"type":"Unigram","vocab":[["a",0]]}})", R"({"model":{"type":"WordPiece"}})",
        R"({"model":{"type":"BPE","vocab":{},"merges":[]}})"}) {
    const auto json = Read(text);
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code, Errc::kUnsupported);
  }
  EXPECT_FALSE(Read("{}"));
  EXPECT_FALSE(Read("[]"));
}

// A SentencePiece model whose vocabulary has no bytes to fall back on.
TEST(TokenizerJson, KnowsPiecesWithoutBytes) {
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kSentencePiece;
  tokenizer.tokens = {{"<unk>", 0, TokenType::kUnknown}, {"a", -1}, {"b", -2}, {"ab", -3}};
  const auto text = WriteTokenizerJson(tokenizer);
  ASSERT_TRUE(Ok(text));
  const auto json = Read(*text);
  ASSERT_TRUE(Ok(json));
  EXPECT_EQ(json->kind, TokenizerKind::kSentencePiece);
  EXPECT_EQ(json->tokens.size(), 4u);
}

TEST(TokenizerJson, KeepsTheIdsOfAddedTokensBehindGaps) {
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kBytePairs;
  tokenizer.pre_tokenizer = "gpt-2";
  tokenizer.tokens = {{"a"}, {"[PAD1]", 0, TokenType::kUnused}, {"<x>", 0, TokenType::kControl}};
  const auto text = WriteTokenizerJson(tokenizer);
  ASSERT_TRUE(Ok(text));
  const auto json = Read(*text);
  ASSERT_TRUE(Ok(json));
  ASSERT_EQ(json->tokens.size(), 3u);  // the library would number it 1 if it were only added
  EXPECT_EQ(json->tokens[2].text, "<x>");
  ASSERT_EQ(json->added.size(), 1u);
  EXPECT_EQ(json->added[0].id, 2u);
}

TEST(TokenizerJson, IsNotWrittenForUnknownSteps) {
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kBytePairs;
  tokenizer.pre_tokenizer = "kimi-k2";
  const auto text = WriteTokenizerJson(tokenizer);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, testing::HasSubstr("kimi-k2"));
}

}  // namespace
}  // namespace hallmark
