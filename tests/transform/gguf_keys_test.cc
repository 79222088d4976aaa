#include "transform/gguf_keys.h"

#include "tests/support/config_vectors.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kShape =
    R"("num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 160,
       "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96)";

JsonDocument Config(std::string_view type, std::string_view more = "") {
  std::string text = "{\"model_type\": \"" + std::string(type) + "\", " + std::string(kShape);
  text += std::string(more) + "}";
  auto document = JsonDocument::Parse(text, "config.json");
  EXPECT_TRUE(Ok(document)) << text;
  return *std::move(document);
}

Result<GgufKeys> KeysOf(const JsonDocument& config) { return GgufKeysOf(config, {}); }

std::vector<std::string> LostOf(std::string_view type, std::string_view more = "") {
  const JsonDocument config = Config(type, more);
  const auto keys = KeysOf(config);
  EXPECT_TRUE(Ok(keys));
  return keys ? keys->lost : std::vector<std::string>();
}

Error ErrorOf(std::string_view type, std::string_view more) {
  const JsonDocument config = Config(type, more);
  const auto keys = KeysOf(config);
  EXPECT_FALSE(keys);
  return keys ? Error{} : keys.error();
}

// gguf.utility.size_label of gguf-py 0.19.
TEST(SizeLabel, RoundsAsGgufPyDoes) {
  EXPECT_EQ(SizeLabel({.total = 184896}), "185K");
  EXPECT_EQ(SizeLabel({.total = 134515008}), "135M");
  EXPECT_EQ(SizeLabel({.total = 1100048384}), "1.1B");
  EXPECT_EQ(SizeLabel({.total = 6738415616}), "6.7B");
  EXPECT_EQ(SizeLabel({.total = 65285660672}), "65B");
  EXPECT_EQ(SizeLabel({.total = 405853388800}), "406B");
  EXPECT_EQ(SizeLabel({.total = 1000000}), "1000K");
  EXPECT_EQ(SizeLabel({.total = 400}), "0.40K");
  EXPECT_EQ(SizeLabel({.total = 0}), "0.00K");
  EXPECT_EQ(
      SizeLabel({.total = 46702792704, .shared = 1605910528, .expert = 5637144576, .experts = 8}),
      "8x7.2B");
}

TEST(GgufKeys, SayWhatGgufCannot) {
  EXPECT_THAT(LostOf("llama"), IsEmpty());
  EXPECT_THAT(LostOf("llama", R"(, "hidden_act": "silu")"), IsEmpty());
  EXPECT_THAT(LostOf("llama", R"(, "hidden_act": "gelu")"),
              ElementsAre("hidden_act is gelu; readers of GGUF's llama take \"silu\""));
  EXPECT_THAT(LostOf("mistral", R"(, "sliding_window": 4096)"),
              ElementsAre("sliding_window is 4096; readers of GGUF's llama take null"));
  EXPECT_THAT(LostOf("mistral", R"(, "sliding_window": null)"), IsEmpty());
  EXPECT_THAT(LostOf("mistral"), ElementsAre(HasSubstr("left to its default")));
  EXPECT_THAT(LostOf("gemma", R"(, "hidden_act": "gelu", "rope_theta": 10000)"), IsEmpty());
  EXPECT_THAT(LostOf("gemma", R"(, "rope_theta": 20000.0)"),
              ElementsAre(HasSubstr("rope_theta is 20000")));
  EXPECT_THAT(LostOf("qwen2", R"(, "layer_types": ["full_attention", "sliding_attention"])"),
              ElementsAre(HasSubstr("layer_types")));
  EXPECT_THAT(LostOf("smollm3", R"(, "no_rope_layers": [1, 0])"),
              ElementsAre(HasSubstr("no_rope_layers")));
  EXPECT_THAT(LostOf("gemma2", R"(, "query_pre_attn_scalar": 144, "head_dim": 128)"),
              ElementsAre("query_pre_attn_scalar is 144; readers of GGUF's gemma2 take 128"));
  EXPECT_THAT(LostOf("llama", R"(, "rope_scaling": {"type": "linear", "factor": 2, "odd": 1})"),
              ElementsAre("odd of rotary scaling"));
}

TEST(GgufKeys, NameTheKeyThatIsMissingOrWrong) {
  for (const auto& [more, message] : std::vector<std::pair<std::string_view, std::string_view>>{
           {R"(, "head_dim": "x")", "head_dim is not a whole number"},
           {R"(, "head_dim": -1)", "head_dim is not a whole number"},
           {R"(, "head_dim": 4294967296)", "head_dim is not a whole number"},
           {R"(, "rms_norm_eps": [])", "rms_norm_eps is not a number"},
           {R"(, "rms_norm_eps": null)", "rms_norm_eps is missing"},
           {R"(, "rope_scaling": {"type": "linear"})", "has no factor"},
           {R"(, "rope_scaling": {"type": "linear", "factor": "2"})", "factor is not a number"},
           {R"(, "rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4,
                 "high_freq_factor": 1, "original_max_position_embeddings": 8192})",
            "make no sense"},
           {R"(, "rope_scaling": {"type": "yarn", "factor": 2,
                 "original_max_position_embeddings": 0.5})",
            "whole number"},
       }) {
    const Error error = ErrorOf("llama", more);
    EXPECT_EQ(error.code, Errc::kMalformed) << more;
    EXPECT_EQ(error.subject, "config.json");
    EXPECT_THAT(error.message, HasSubstr(std::string(message)));
  }
  EXPECT_EQ(ErrorOf("phi3", R"(, "rope_scaling": {"type": "longrope", "long_factor": [1, 2],
                                  "short_factor": [1, 2]})")
                .message,
            "long_factor has 2 numbers, but 8 pairs of each head are rotated");
}

TEST(GgufKeys, RefuseWhatGgufWouldSilentlyDrop) {
  for (const auto& [type, more] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"bert", ""},
           {"llama", R"(, "rope_scaling": {"type": "dynamic", "factor": 2})"},
           {"qwen2", R"(, "rope_scaling": {"rope_type": "llama3", "factor": 8})"},
           {"gemma", R"(, "rope_scaling": {"rope_type": "linear", "factor": 8})"},
           {"llama", R"(, "rope_scaling": {"rope_type": "longrope"})"},
           {"llama", R"(, "partial_rotary_factor": 0.5)"},
       }) {
    EXPECT_EQ(ErrorOf(type, more).code, Errc::kUnsupported) << type << more;
  }
}

TEST(GgufKeys, RefuseAnotherModelsTensors) {
  const JsonDocument config = Config("llama");
  TensorFacts tensors{.layers = 2,
                      .vocab_size = 96,
                      .hidden_size = 64,
                      .ffn_size = 160,
                      .query_rows = 64,
                      .key_rows = 32};
  GgufFacts facts;
  facts.tensors = &tensors;
  EXPECT_TRUE(Ok(GgufKeysOf(config, facts)));
  tensors.vocab_size = 128;
  auto keys = GgufKeysOf(config, facts);
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().message, "vocab_size is 96, but the rows of model.embed_tokens are 128");
  tensors.vocab_size = 96;
  tensors.key_rows = 64;
  keys = GgufKeysOf(config, facts);
  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().message, HasSubstr("the rows of self_attn.k_proj are 64"));
}

TEST(GgufKeys, FindsOldSpellings) {
  const JsonDocument config = Config(
      "qwen3_moe", R"(, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8,
                      "norm_topk_prob": true, "rope_theta": 5, "rope_scaling": null)");
  const auto keys = KeysOf(config);
  ASSERT_TRUE(Ok(keys));
  std::vector<std::string> texts;
  for (const MetadataEntry& entry : keys->entries) texts.push_back(EntryText(entry));
  EXPECT_THAT(texts, Contains("qwen3moe.expert_count u32 4"));
  EXPECT_THAT(texts, Contains("qwen3moe.rope.freq_base f32 5"));
  EXPECT_THAT(keys->lost, IsEmpty());
}

}  // namespace
}  // namespace hallmark
