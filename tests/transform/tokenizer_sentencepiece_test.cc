#include "transform/tokenizer_sentencepiece.h"

#include <cstring>
#include <limits>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string Field(char key, std::string_view content) {
  return std::string{key, static_cast<char>(content.size())} + std::string(content);
}
std::string Float(float score) {
  std::string bytes(5, '\x15');
  std::memcpy(bytes.data() + 1, &score, 4);
  return bytes;
}
// A piece, field 1 of the model: its text, score and, if given, type.
std::string Piece(std::string_view text, float score, int type = 1) {
  const std::string type_field = type == 1 ? "" : std::string{'\x18', static_cast<char>(type)};
  return Field('\x0a', Field('\x0a', text) + Float(score) + type_field);
}
const std::string kTrainer = Field('\x12', "\x18\x02");  // model_type: BPE

Result<SentencePieceModel> Read(const std::string& bytes) {
  return ReadSentencePiece(BytesOf(bytes), "test.model");
}

TEST(SentencePiece, ReadsPiecesAndRoles) {
  // bos_id: -1, a negative int32 in ten bytes; pad_id: 5.
  const std::string ids = "\xc8\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xd8\x02\x05";
  const auto model =
      Read(Piece("<unk>", 0, 2) + Piece("▁a", -1.5F) + Field('\x12', "\x18\x02" + ids) +
           Field('\x1a', std::string("\x18\x00", 2)));
  ASSERT_TRUE(Ok(model));
  ASSERT_EQ(model->pieces.size(), 2u);
  EXPECT_EQ(model->pieces[0].type, TokenType::kUnknown);
  EXPECT_EQ(model->pieces[1].text, "▁a");
  EXPECT_EQ(model->pieces[1].score, -1.5F);
  EXPECT_EQ(model->bos_id, -1);
  EXPECT_EQ(model->eos_id, 2);
  EXPECT_EQ(model->pad_id, 5);
  EXPECT_FALSE(model->add_dummy_prefix);
}

TEST(SentencePiece, RefusesWhatIsNoModel) {
  const std::string a = Piece("a", 0);
  const std::string cases[] = {
      "",
      kTrainer,
      a,
      a + a + kTrainer,
      a + kTrainer + kTrainer,
      Piece("", 0) + kTrainer,
      Piece("\xff", 0) + kTrainer,
      Piece("a", std::numeric_limits<float>::quiet_NaN()) + kTrainer,
      Piece("a", std::numeric_limits<float>::infinity()) + kTrainer,
      Piece("a", 0, 7) + kTrainer,
      a.substr(0, a.size() - 1),
  };
  for (const std::string& bytes : cases) {
    const auto model = Read(bytes);
    ASSERT_FALSE(model) << testing::PrintToString(bytes);
    EXPECT_EQ(model.error().code, Errc::kMalformed) << model.error().message;
  }
}

TEST(SentencePiece, ReadsNoOtherAlgorithm) {
  for (const std::string& trainer : {Field('\x12', "\x18\x01"), Field('\x12', "")}) {
    const auto model = Read(Piece("a", 0) + trainer);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, Errc::kUnsupported);
  }
}

TEST(SentencePiece, WritesWhatItReads) {
  Tokenizer tokenizer;
  tokenizer.tokens = {{"<unk>", 0, TokenType::kControl},  // as llama.cpp's converter says
                      {"<s>", 0, TokenType::kControl},
                      {"▁a", -1.5F},
                      {"two words", -1000, TokenType::kUserDefined},
                      {"[PAD4]", -10000, TokenType::kUnused}};
  tokenizer.SetId(SpecialRole::kBos, 1);
  const auto bytes = WriteSentencePiece(tokenizer);
  ASSERT_TRUE(Ok(bytes));
  const auto model = ReadSentencePiece(*bytes, "test.model");
  ASSERT_TRUE(Ok(model));
  ASSERT_EQ(model->pieces.size(), 4u);
  EXPECT_EQ(model->pieces[0].type, TokenType::kUnknown);
  EXPECT_EQ(model->pieces[2].score, -1.5F);
  EXPECT_EQ(model->pieces[3].text, "two▁words");
  EXPECT_EQ(model->bos_id, 1);
  EXPECT_EQ(model->eos_id, -1);
  EXPECT_TRUE(model->add_dummy_prefix);
}

TEST(SentencePiece, DoesNotWriteWhatItsLibraryCannotLoad) {
  const Token unknown{"<unk>", 0, TokenType::kUnknown};
  const std::vector<Token> cases[] = {
      {{"a"}},                                     // no unknown piece
      {unknown, {"a"}, {"a"}},                     // one twice
      {unknown, {""}},                             // one without text
      {unknown, {"\xff"}},                         // one that is no text
      {unknown, {"a b"}},                          // a space in a normal one
      {unknown, {"<0x00>", 0, TokenType::kByte}},  // not all bytes
  };
  for (const std::vector<Token>& tokens : cases) {
    Tokenizer tokenizer;
    tokenizer.tokens = tokens;
    const auto bytes = WriteSentencePiece(tokenizer);
    ASSERT_FALSE(bytes) << tokens.back().text;
    EXPECT_EQ(bytes.error().code, Errc::kUnsupported);
  }
}

}  // namespace
}  // namespace hallmark
