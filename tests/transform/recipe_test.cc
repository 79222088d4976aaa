#include "transform/recipe.h"

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "tests/weights/fake_model.h"
#include "transform/rebuild.h"

namespace hallmark {
namespace {

Recipe Small() {
  Recipe recipe;
  recipe.weights = "hm1:" + std::string(64, '0');
  recipe.payload_bytes = 96;
  RecipeTensor tensor{.sources = {"w"}, .dtype = Dtype::kF32};
  tensor.rows = RecipeSlice{1, 2};
  tensor.size = 24;
  recipe.tensors.push_back(tensor);
  const std::string_view header = "header", tail = "end";
  for (const char c : header) recipe.literals.push_back(static_cast<std::byte>(c));
  for (const char c : tail) recipe.literals.push_back(static_cast<std::byte>(c));
  recipe.files.push_back({"a/b.bin",
                          6 + 24 + 3,
                          HashBytes(Algorithm::kSha256, {}),
                          HashBytes(Algorithm::kTree, {}),
                          {{std::nullopt, 6}, {std::size_t{0}, 24}, {std::nullopt, 3}}});
  return recipe;
}

std::string Written(const Recipe& recipe) {
  const auto text = WriteRecipe(recipe);
  EXPECT_TRUE(Ok(text));
  return text.value_or("");
}

// What parsing says of the small recipe with `from` replaced by `to`.
Error Refused(std::string_view from, std::string_view to) {
  std::string text = Written(Small());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto recipe = ParseRecipe(text, "r.recipe");
  EXPECT_FALSE(recipe) << to;
  return recipe ? Error{Errc::kUsage, "", ""} : recipe.error();
}

TEST(Recipe, IsReadAsItWasWritten) {
  const std::string text = Written(Small());
  const auto recipe = ParseRecipe(text, "r.recipe");
  ASSERT_TRUE(Ok(recipe));
  EXPECT_EQ(Written(*recipe), text);
  EXPECT_EQ(recipe->literals, Small().literals);
  EXPECT_EQ(recipe->tensors.front().rows->first, 1u);
}

TEST(Recipe, IsReadStrictly) {
  EXPECT_EQ(Refused("hallmark.recipe/1", "hallmark.recipe/2").code, Errc::kUnsupported);
  EXPECT_EQ(Refused("\"size\":33", "\"size\":34").message,
            "the segments of a/b.bin are 33 bytes, the file has 34");
  EXPECT_EQ(Refused("\"literal\":6", "\"literal\":7").code, Errc::kMalformed);
  EXPECT_EQ(Refused("{\"tensor\":0}", "{\"tensor\":1}").message,
            "its \"tensor\" is not one of its tensors");
  EXPECT_EQ(Refused("a/b.bin", "../bin").code, Errc::kMalformed);
  EXPECT_EQ(Refused("a/b.bin", "/bin/sh").code, Errc::kMalformed);
  EXPECT_EQ(Refused("\"literal_bytes\":9", "\"literal_bytes\":8").code, Errc::kMalformed);
  EXPECT_EQ(Refused("\"literals\":\"", "\"literals\":\"!").message,
            "its \"literals\" is not base64");
  EXPECT_EQ(Refused("\"count\":2", "\"count\":0").code, Errc::kMalformed);
  EXPECT_EQ(Refused("\"dtype\":\"f32\"", "\"dtype\":\"f33\"").code, Errc::kMalformed);
  EXPECT_EQ(Refused("\"tree:", "\"sha1:").code, Errc::kMalformed);
}

TEST(Recipe, LiteralBytesAreAsManyAsSaid) {
  Recipe more = Small();
  more.files.front().segments.back().size = 4;
  more.files.front().size = 34;
  const auto recipe = ParseRecipe(Written(more), "r.recipe");
  ASSERT_FALSE(recipe);  // it is written with 9, and needs 10
  Recipe none = Small();
  none.literals.clear();
  none.files.clear();
  EXPECT_TRUE(Ok(ParseRecipe(Written(none), "r.recipe")));
}

class RebuiltTensorTest : public testing::Test {
 protected:
  RebuiltTensorTest() {
    auto model = FakeModel({{Numbers("w", {4, 3}),
                             Numbers("v", {4, 3}),
                             {"tiny", Dtype::kF32, {1}, Le32(0x3f800001)}}});
    EXPECT_TRUE(Ok(model));
    model_ = std::make_unique<Model>(*std::move(model));
    auto canonical = Canonicalise(*model_, Task{});
    EXPECT_TRUE(Ok(canonical));
    canonical_ = *std::move(canonical);
  }
  Result<std::string> Made(const RecipeTensor& tensor) const {
    const Bytes bytes = HM_TRY(RebuiltTensor(tensor, canonical_));
    std::string out(bytes->Size(), '\0');
    HM_TRY(bytes->Read(0, std::as_writable_bytes(std::span(out))));
    return out;
  }

  std::unique_ptr<Model> model_;
  CanonicalModel canonical_;
};

TEST_F(RebuiltTensorTest, TakesRowsColumnsAndStacks) {
  const std::string w = Numbers("w", {4, 3}).bytes, v = Numbers("v", {4, 3}).bytes;
  RecipeTensor tensor{.sources = {"w"}, .dtype = Dtype::kF32};
  tensor.size = 24;
  tensor.rows = RecipeSlice{1, 2};
  EXPECT_EQ(Made(tensor).value_or(""), w.substr(12, 24));
  tensor.rows.reset();
  tensor.columns = RecipeSlice{1, 2};
  tensor.size = 32;
  EXPECT_EQ(Made(tensor).value_or(""), ColumnsOf(Numbers("w", {4, 3}), 1, 2).bytes);
  tensor.columns.reset();
  tensor.sources = {"w", "v"};
  tensor.size = 96;
  EXPECT_EQ(Made(tensor).value_or(""), w + v);
}

TEST_F(RebuiltTensorTest, RefusesWhatDoesNotFit) {
  const auto refused = [&](RecipeTensor tensor) {
    const auto made = Made(tensor);
    EXPECT_FALSE(made);
    return made ? Errc::kUsage : made.error().code;
  };
  RecipeTensor tensor{.sources = {"w"}, .dtype = Dtype::kF32};
  tensor.size = 24;
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);  // 48 bytes
  tensor.rows = RecipeSlice{3, 2};
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);
  tensor.rows = RecipeSlice{UINT64_MAX, 2};
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);
  tensor.rows.reset();
  tensor.columns = RecipeSlice{2, 2};
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);
  tensor.columns.reset();
  tensor.rotary_heads = 3;
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);
  tensor.rotary_heads = 0;
  tensor.sources = {"absent"};
  EXPECT_EQ(refused(tensor), Errc::kNotFound);
  tensor.sources = {"w", "tiny"};
  EXPECT_EQ(refused(tensor), Errc::kUnsupported);
}

// A rounding would hide that the copy is another.
TEST_F(RebuiltTensorTest, NeverRounds) {
  RecipeTensor tensor{.sources = {"tiny"}, .dtype = Dtype::kBf16};
  tensor.size = 2;
  const auto made = Made(tensor);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::kMalformed);
  EXPECT_EQ(made.error().subject, "tiny");
}

TEST_F(RebuiltTensorTest, TellsWhatFilesDoNotHold) {
  Recipe recipe = Small();  // rows 1 and 2 of w
  EXPECT_EQ(TensorsNotIn(recipe, canonical_, {"a/b.bin"}),
            (std::vector<std::string>{"tiny", "v", "w"}));
  recipe.tensors.front().rows.reset();
  EXPECT_EQ(TensorsNotIn(recipe, canonical_, {"a/b.bin"}), (std::vector<std::string>{"tiny", "v"}));
  EXPECT_EQ(TensorsNotIn(recipe, canonical_, {}), (std::vector<std::string>{"tiny", "v", "w"}));
}

}  // namespace
}  // namespace hallmark
