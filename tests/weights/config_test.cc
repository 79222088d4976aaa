#include "weights/config.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(HubConfig, IsRead) {
  const auto config = ParseHubConfig(R"({"model_type": "llama", "hidden_size": 64,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "vocab_size": 320,
    "tie_word_embeddings": false, "rope_theta": 500000.0,
    "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})",
                                     "config.json");
  ASSERT_TRUE(Ok(config));
  EXPECT_EQ(config->architecture, "llama");
  EXPECT_EQ(config->n_heads, 4u);
  EXPECT_EQ(config->n_kv_heads, 2u);
  EXPECT_EQ(config->rope_theta, 500000.0);
  EXPECT_EQ(config->rope.type, "llama3");
  EXPECT_EQ(config->rope.factor, 32.0);
  EXPECT_EQ(config->rope.original_context, 8192.0);
}

TEST(HubConfig, MeansTheNestedTextModel) {
  const auto config = ParseHubConfig(R"({"model_type": "gemma3", "hidden_size": 1,
    "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "num_attention_heads": 8}})",
                                     "config.json");
  ASSERT_TRUE(Ok(config));
  EXPECT_EQ(config->architecture, "gemma3_text");
  EXPECT_EQ(config->hidden_size, 2560u);
}

TEST(HubConfig, ReadsBothSpellingsOfRope) {
  const auto config = ParseHubConfig(R"({"rope_parameters": {"rope_type": "longrope",
    "rope_theta": 10000, "long_factor": [1, 2.5], "short_factor": [1.0, 1.5]}})",
                                     "config.json");
  ASSERT_TRUE(Ok(config));
  EXPECT_EQ(config->rope_theta, 10000.0);
  EXPECT_EQ(config->rope.long_factors, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(ParseHubConfig(R"({"rope_scaling": {"type": "linear", "factor": 2}})", "")->rope.type,
            "linear");
  EXPECT_EQ(ParseHubConfig(R"({"rope_scaling": null})", "")->rope.type, "");
}

TEST(HubConfig, TakesOddKindsForAbsent) {
  const auto config = ParseHubConfig(
      R"({"model_type": 3, "num_attention_heads": -4, "hidden_size": "64", "head_dim": null,
          "num_key_value_heads": 2.5, "rope_scaling": [1], "text_config": 7})",
      "config.json");
  ASSERT_TRUE(Ok(config));
  EXPECT_EQ(config->architecture, "");
  EXPECT_FALSE(config->n_heads || config->hidden_size || config->head_dim || config->n_kv_heads);
  EXPECT_EQ(ParseHubConfig("[]", "config.json").error().code, Errc::kMalformed);
  EXPECT_EQ(ParseHubConfig("{", "config.json").error().code, Errc::kMalformed);
}

TEST(HubConfig, ReadsEverySpellingOfQuantisation) {
  const auto read = [](std::string_view json) -> std::string {
    const auto config = ParseHubConfig(json, "config.json");
    EXPECT_TRUE(Ok(config));
    if (!config->quantisation) return "none";
    const auto number = [](const std::optional<std::uint64_t>& value) {
      return value ? std::to_string(*value) : "-";
    };
    return config->quantisation->method + " " + number(config->quantisation->bits) + " " +
           number(config->quantisation->group_size);
  };
  EXPECT_EQ(read(R"({"quantization_config": {"quant_method": "gptq", "bits": 4,
                                              "group_size": -1}})"),
            "gptq 4 -");
  EXPECT_EQ(read(R"({"quantization_config": {"load_in_4bit": true}})"), "bitsandbytes 4 -");
  EXPECT_EQ(read(R"({"quantization_config": {"quant_method": "bitsandbytes",
                                              "load_in_4bit": false, "load_in_8bit": true}})"),
            "bitsandbytes 8 -");
  EXPECT_EQ(read(R"({"quantization": {"group_size": 64, "bits": 8}})"), "mlx 8 64");
  EXPECT_EQ(read(R"({"quantization": {"group_size": 64, "bits": 8},
                     "quantization_config": {"group_size": 64, "bits": 8}})"),
            "mlx 8 64");
  EXPECT_EQ(read(R"({"text_config": {"quantization_config": {"quant_method": "awq"}}})"),
            "awq - -");
  EXPECT_EQ(read(R"({"quantization_config": {}, "quantization": "int8"})"), "none");
  EXPECT_EQ(read(R"({"quantization_config": null})"), "none");
}

TEST(MetaParams, AreReadAlsoUnderModel) {
  for (const char* json :
       {R"({"dim": 64, "n_heads": 4, "n_kv_heads": 2, "n_layers": 2, "vocab_size": -1,
            "use_scaled_rope": true})",
        R"({"model": {"dim": 64, "n_heads": 4, "n_kv_heads": 2, "n_layers": 2, "vocab_size": -1,
            "use_scaled_rope": true}, "epoch": 1})"}) {
    const auto config = ParseMetaParams(json, "params.json");
    ASSERT_TRUE(Ok(config));
    EXPECT_EQ(config->hidden_size, 64u);
    EXPECT_EQ(config->n_heads, 4u);
    EXPECT_EQ(config->n_kv_heads, 2u);
    EXPECT_FALSE(config->vocab_size);
    EXPECT_EQ(config->rope.type, "llama3");
    EXPECT_FALSE(config->rope.factor);
  }
}

MetadataValue Counts(std::initializer_list<std::uint32_t> values) {
  auto array = std::make_shared<MetadataArray>(MetadataType::kU32);
  for (const std::uint32_t value : values) array->AppendBytes(AsBytes(Le32(value)));
  return std::shared_ptr<const MetadataArray>(array);
}

TEST(GgufConfig, ReadsTheKeysOfItsArchitecture) {
  const std::vector<MetadataEntry> metadata = {{"llama.attention.head_count", std::uint64_t{32}},
                                               {"qwen2.attention.head_count", std::uint64_t{28}},
                                               {"qwen2.embedding_length", std::int64_t{3584}},
                                               {"qwen2.rope.freq_base", 1e6},
                                               {"qwen2.rope.scaling.type", std::string("none")},
                                               {"general.architecture", std::string("qwen2")}};
  const ModelConfig config = *ConfigFromContainer("gguf", metadata, "a.gguf");
  EXPECT_EQ(config.source, "a.gguf");
  EXPECT_EQ(config.architecture, "qwen2");
  EXPECT_EQ(config.n_heads, 28u);
  EXPECT_EQ(config.hidden_size, 3584u);
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_EQ(config.rope.type, "");
}

TEST(GgufConfig, TellsEqualFromVaryingHeads) {
  const std::vector<MetadataEntry> equal = {{"general.architecture", std::string("llama")},
                                            {"llama.attention.head_count", Counts({8, 8, 8})}};
  EXPECT_EQ(ConfigFromContainer("gguf", equal, "")->n_heads, 8u);
  EXPECT_FALSE(ConfigFromContainer("gguf", equal, "")->heads_vary);
  const std::vector<MetadataEntry> varying = {{"general.architecture", std::string("llama")},
                                              {"llama.attention.head_count", std::uint64_t{8}},
                                              {"llama.attention.head_count_kv", Counts({8, 4, 8})}};
  EXPECT_TRUE(ConfigFromContainer("gguf", varying, "")->heads_vary);
}

}  // namespace
}  // namespace hallmark
