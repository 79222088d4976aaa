#include "src/model/quantisation.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TensorInfo Tensor(std::string name, Dtype dtype = Dtype::kI32, Shape shape = {8, 32}) {
  TensorInfo info;
  info.name = std::move(name);
  info.dtype = dtype;
  info.shape = std::move(shape);
  return info;
}

// "gptq: 2".
std::vector<std::string> Found(const std::vector<TensorInfo>& tensors) {
  std::vector<const TensorInfo*> pointers;
  for (const TensorInfo& tensor : tensors) pointers.push_back(&tensor);
  std::vector<std::string> text;
  for (const FoundQuantisation& found : FindQuantisation(pointers)) {
    text.push_back(std::string(found.scheme->name) + ": " + std::to_string(found.weights));
  }
  return text;
}

TEST(FindQuantisation, NeedsAllTensorsOfAWeight) {
  EXPECT_THAT(Found({Tensor("a.qweight"), Tensor("a.qzeros"), Tensor("a.scales"), Tensor("a.g_idx"),
                     Tensor("b.qweight"), Tensor("b.qzeros"), Tensor("c.scales"),
                     Tensor("c.weight", Dtype::kF16)}),
              ElementsAre("gptq: 1"));
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kF16), Tensor("a.bias", Dtype::kF16)}), IsEmpty());
  EXPECT_THAT(Found({}), IsEmpty());
}

TEST(FindQuantisation, TellsByTypesWhatNamesDoNot) {
  const TensorInfo scale = Tensor("a.weight_scale", Dtype::kF32);
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kF8E4m3), scale}), ElementsAre("fp8: 1"));
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kI8), scale}), ElementsAre("int8: 1"));
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kBf16), scale}), IsEmpty());
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kU8), scale, Tensor("a.weight_scale_2")}),
              ElementsAre("nvfp4: 1"));
  // llama2.c's version 2 has scales too.
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kI8), Tensor("a.scales", Dtype::kF32)}), IsEmpty());
}

// Without g_idx AWQ and GPTQ have the same names and pack the two dimensions of a matrix.
TEST(FindQuantisation, TellsAwqFromGptqByWhatIsPacked) {
  const auto found = [](Shape weight) {
    return Found({Tensor("a.qweight", Dtype::kI32, std::move(weight)), Tensor("a.qzeros"),
                  Tensor("a.scales", Dtype::kF16, {2, 32})});
  };
  EXPECT_THAT(found({64, 4}), ElementsAre("awq: 1"));
  EXPECT_THAT(found({8, 32}), ElementsAre("gptq: 1"));
  EXPECT_THAT(found({64}), IsEmpty());
}

TEST(FindQuantisation, CountsEachScheme) {
  EXPECT_THAT(Found({Tensor("a.weight", Dtype::kU32), Tensor("a.scales"), Tensor("a.biases"),
                     Tensor("b.weight", Dtype::kU32), Tensor("b.scales"),
                     Tensor("experts.down_proj_blocks", Dtype::kU8),
                     Tensor("experts.down_proj_scales", Dtype::kU8)}),
              ElementsAre("mxfp4: 1", "mlx: 2"));
}

TEST(QuantisationText, SaysBothWhereTheyDisagree) {
  const TensorInfo packed = Tensor("a.weight_packed"), scale = Tensor("a.weight_scale");
  const std::vector<const TensorInfo*> tensors = {&packed, &scale};
  const auto found = FindQuantisation(tensors);
  const auto text = [](const char* method, std::span<const FoundQuantisation> there) {
    return QuantisationText(ConfiguredQuantisation{method, 4, 128}, "config.json", there);
  };

  EXPECT_EQ(text("compressed-tensors", found),
            "compressed-tensors, packed (1 weight), as config.json says: compressed-tensors, "
            "4 bits, groups of 128");
  EXPECT_THAT(text("awq", found), HasSubstr("(1 weight), but config.json says: awq"));
  EXPECT_THAT(text("awq", {}), HasSubstr("no tensor is named so, but config.json says: awq"));
  EXPECT_THAT(text("a\x1b[2J", {}), HasSubstr("a\\x1b[2J"));
  EXPECT_EQ(QuantisationText(std::nullopt, "", found), "compressed-tensors, packed (1 weight)");
  EXPECT_EQ(QuantisationText(std::nullopt, "", {}), "");

  EXPECT_TRUE(QuantisationAgrees(std::nullopt, found));
  EXPECT_FALSE(QuantisationAgrees(ConfiguredQuantisation{"awq", {}, {}}, {}));
  EXPECT_TRUE(QuantisationAgrees(ConfiguredQuantisation{"quanto", {}, {}}, {}));
  EXPECT_FALSE(QuantisationAgrees(ConfiguredQuantisation{"quanto", {}, {}}, found));
}

TEST(QuantisationSchemes, AreOnThePageOfTheDocumentation) {
  const std::string page = ReadFixture("../../../docs/quantisation.md");
  for (const QuantisationScheme* scheme : AllQuantisationSchemes()) {
    std::string methods;
    for (const std::string_view method : scheme->methods) {
      methods += (methods.empty() ? "`" : ", `") + std::string(method) + "`";
    }
    EXPECT_THAT(page, HasSubstr("| " + std::string(scheme->title) + " | `" +
                                std::string(scheme->name) + "` |"));
    EXPECT_THAT(page, HasSubstr("| " + methods + " |"));
  }
}

}  // namespace
}  // namespace hallmark
