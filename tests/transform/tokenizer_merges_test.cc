#include "transform/tokenizer_merges.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;

TEST(ByteAlphabet, IsGpt2s) {  // bytes_to_unicode of GPT-2's encoder.py
  EXPECT_EQ(ToByteAlphabet(" a\n"), "ĠaĊ");
  EXPECT_EQ(ToByteAlphabet(std::string_view("\0\x7f\x80\xa0\xa1\xad\xff", 7)), "ĀġĢł¡Ńÿ");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(FromByteAlphabet(ToByteAlphabet(all)), all);
}

TEST(ByteAlphabet, RefusesLettersThatStandForNoByte) {
  for (const std::string_view text : {" ", "\n", "\u00ad", "\u0144", "\u2581", "\xc4", "\xff"}) {
    EXPECT_EQ(FromByteAlphabet(text), std::nullopt) << text;
  }
}

TEST(MergesOfRanks, AreAllWaysByRankThenByParts) {
  const std::vector<std::string> tokens = {"a", "b", "c", "bc", "ab", "abc"};
  const auto merges = MergesOfRanks(tokens, "test");
  ASSERT_TRUE(Ok(merges));
  EXPECT_THAT(*merges, ElementsAre("b c", "a b", "a bc", "ab c"));
}

TEST(MergesOfScores, AreAllWaysByScoreThenByLength) {
  const std::vector<Token> tokens = {
      {"<s>", 0, TokenType::kControl}, {"ä", -9}, {"b", -8}, {"äb", -1}, {"bä", -1}, {"äbä", 0}};
  const auto merges = MergesOfScores(tokens, "test");
  ASSERT_TRUE(Ok(merges));
  std::vector<std::string> texts;
  for (const MergePair merge : *merges)
    texts.push_back(fmt::format("{}+{}", merge.left, merge.right));
  EXPECT_THAT(texts, ElementsAre("äb+ä", "ä+bä", "ä+b", "b+ä"));
}

TEST(Merges, RefuseTokensWithoutEndOfWays) {
  std::vector<std::string> tokens;
  for (std::size_t size = 1; size < 4000; ++size) tokens.emplace_back(size, 'a');
  const auto merges = MergesOfRanks(tokens, "test");
  ASSERT_FALSE(merges);
  EXPECT_EQ(merges.error().code, Errc::kUnsupported);
}

TEST(ScoreByMerges, CountsDownInTheirOrderThenById) {
  std::vector<Token> tokens = {{"<unk>", 0, TokenType::kUnknown}, {"abc"}, {"ab"}, {"a"}, {"b"}};
  ScoreByMerges(std::vector<std::string>{"a b", "ab c", "a bc", "x y"}, tokens);
  std::vector<float> scores;
  for (const Token& token : tokens) scores.push_back(token.score);
  EXPECT_THAT(scores, ElementsAre(0, -1, 0, -2, -3));
}

}  // namespace
}  // namespace hallmark
