// Chains of conversions come back to the same weights, and to the same bytes.
#include "transform/convert.h"

#include <fstream>
#include <iterator>
#include <random>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

std::string Get(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Form {
  ConvertRequest request;
  std::string_view name;
};

// Every form that holds configuration and tokenizer, so that any other can be made of it.
std::vector<Form> Forms() {
  return {
      {{.to = TargetFormat::kSafetensors}, "hf"},
      {{.to = TargetFormat::kSafetensors, .shard_size = 70'000}, "hf-sharded"},
      {{.to = TargetFormat::kPytorch}, "torch"},
      {{.to = TargetFormat::kPytorch, .shard_size = 100'000}, "torch-sharded"},
      {{.to = TargetFormat::kGguf}, "model.gguf"},
      {{.to = TargetFormat::kGguf, .shard_size = 80'000}, "gguf-split"},
      {{.to = TargetFormat::kMeta}, "meta"},
      {{.to = TargetFormat::kMeta, .model_parallel = 2}, "meta-2"},
      {{.to = TargetFormat::kMeta, .model_parallel = 4}, "meta-4"},
  };
}

TEST(Convert, AnyChainComesBackToTheSameWeightsAndBytes) {
  const TemporaryFolder folder;
  const std::vector<Form> forms = Forms();
  std::mt19937 random(2);
  for (int chain = 0; chain < 6; ++chain) {
    const fs::path here = folder.Path() / std::to_string(chain);
    fs::create_directory(here);
    fs::path model = FixturePath(chain % 2 == 0 ? "hf-safetensors-f32" : "meta-llama2-bf16");
    std::string identity;
    std::string path_taken = model.filename().string();
    for (int step = 0; step < 5; ++step) {
      const Form& form = forms[random() % forms.size()];
      const fs::path next = here / std::to_string(step) / form.name;
      fs::create_directory(next.parent_path());
      path_taken += " > " + std::string(form.name);
      const auto receipt = Convert(model, form.request, {.path = next}, "test", {.threads = 2});
      ASSERT_TRUE(Ok(receipt)) << path_taken;
      EXPECT_EQ(receipt->relation, "same-weights") << path_taken;
      if (identity.empty()) identity = receipt->input_weights;
      EXPECT_EQ(receipt->output_weights, identity) << path_taken;
      model = next;
    }
    // Types are kept, so that what began as the same ends as the same, whatever lay between. Norms
    // become f32 in GGUF: they are asked for.
    const ConvertRequest last = {.to = TargetFormat::kSafetensors, .dtype = Dtype::kF32};
    const fs::path end = here / "end", straight = here / "straight";
    ASSERT_TRUE(Ok(Convert(model, last, {.path = end}, "test", {.threads = 2})));
    ASSERT_TRUE(Ok(Convert(FixturePath(chain % 2 == 0 ? "hf-safetensors-f32" : "meta-llama2-bf16"),
                           last, {.path = straight}, "test", {.threads = 1})));
    EXPECT_TRUE(Get(end / "model.safetensors") == Get(straight / "model.safetensors"))
        << path_taken;
  }
}

TEST(Convert, WritesAReceiptThatIsReadAgain) {
  const TemporaryFolder folder;
  const fs::path target = folder.Path() / "x.safetensors";
  const ConvertRequest request{.to = TargetFormat::kSafetensors, .dtype = Dtype::kF16};
  const auto receipt =
      Convert(FixturePath("hf-safetensors-bf16"), request, {.path = target}, "1.2", {});
  ASSERT_TRUE(Ok(receipt));
  const std::string text = Get(folder.Path() / "x.safetensors.receipt.json");
  const auto read = ParseReceipt(text, "receipt");
  ASSERT_TRUE(Ok(read));
  EXPECT_EQ(WriteReceipt(*read), text);
  EXPECT_EQ(read->tool_version, "1.2");
  EXPECT_EQ(read->inputs.front().path, "model.safetensors");
  EXPECT_EQ(read->outputs.size(), 1u);
  const auto again = ConvertRequest::FromParameters(read->request);
  ASSERT_TRUE(Ok(again));
  EXPECT_EQ(again->dtype, Dtype::kF16);
  EXPECT_EQ(again->name, "x.safetensors");
}

TEST(Convert, TakesNoNameThatLeavesTheFolder) {
  for (const char* name : {"../x", "a/b", "..", ".", "/etc/x", ""}) {
    const std::vector<ReceiptParameter> parameters = {{"to", "gguf"}, {"name", name}};
    EXPECT_FALSE(ConvertRequest::FromParameters(parameters)) << name;
  }
}

TEST(Receipt, RefusesWhatItIsNot) {
  for (const char* text :
       {"", "[]", "{}", R"({"schema":"hallmark.manifest/1"})", R"({"schema":"hallmark.receipt/1"})",
        R"({"schema":"hallmark.receipt/1","tool":{"version":1}})"}) {
    EXPECT_FALSE(ParseReceipt(text, "receipt")) << text;
  }
}

}  // namespace
}  // namespace hallmark
