#include "transform/hub_config.h"

#include "tests/support/config_vectors.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The keys of tiny-llama with some changed, added, or taken away (no value).
using Change = std::pair<std::string, std::optional<MetadataValue>>;
Result<HubConfig> WithChanges(const std::vector<Change>& changes,
                              const TensorFacts& tensors = {.vocab_size = 96, .has_output = true}) {
  auto entries = LoadConfigVector("tiny-llama").Gguf();
  for (const auto& [key, value] : changes) {
    std::erase_if(entries, [&](const MetadataEntry& entry) { return entry.key == key; });
    if (value) entries.push_back({key, *value, MetadataType::kUntyped});
  }
  return HubConfigFromGguf(entries, tensors, "tiny.gguf");
}

Error ErrorOf(const std::vector<Change>& changes,
              const TensorFacts& tensors = {.vocab_size = 96, .has_output = true}) {
  const auto config = WithChanges(changes, tensors);
  EXPECT_FALSE(config) << config->text;
  return config ? Error{} : config.error();
}

TEST(HubConfigFromGguf, IsLaidOutAsTransformersDoes) {
  const auto config = WithChanges(
      {{"tokenizer.ggml.bos_token_id", std::uint64_t{1}}, {"llama.odd", std::uint64_t{1}}},
      {.vocab_size = 96, .dtype = Dtype::kBf16});
  ASSERT_TRUE(Ok(config));
  EXPECT_EQ(config->text, R"({
  "architectures": [
    "LlamaForCausalLM"
  ],
  "attention_bias": false,
  "bos_token_id": 1,
  "head_dim": 16,
  "hidden_act": "silu",
  "hidden_size": 64,
  "intermediate_size": 160,
  "max_position_embeddings": 256,
  "mlp_bias": false,
  "model_type": "llama",
  "num_attention_heads": 4,
  "num_hidden_layers": 4,
  "num_key_value_heads": 2,
  "rms_norm_eps": 1e-06,
  "rope_scaling": null,
  "rope_theta": 10000.0,
  "tie_word_embeddings": true,
  "torch_dtype": "bfloat16",
  "vocab_size": 96
}
)");
  EXPECT_THAT(config->notes, ElementsAre("llama.odd has no place in config.json"));
}

TEST(HubConfigFromGguf, TakesWhatReadersOfGgufTake) {
  const auto config = WithChanges({{"llama.rope.freq_base", std::nullopt},
                                   {"llama.attention.head_count_kv", std::nullopt},
                                   {"llama.attention.key_length", std::nullopt},
                                   {"llama.attention.value_length", std::nullopt},
                                   {"llama.vocab_size", std::nullopt}});
  ASSERT_TRUE(Ok(config));
  EXPECT_THAT(config->text, HasSubstr("\"rope_theta\": 10000.0"));
  EXPECT_THAT(config->text, HasSubstr("\"num_key_value_heads\": 4"));
  EXPECT_THAT(config->text, HasSubstr("\"vocab_size\": 96"));
}

// Phi-3's converter writes 0 for no window; Gemma 2 always has one.
TEST(HubConfigFromGguf, TakesPhi3sWindowOf0ForNone) {
  for (const auto& [name, text] : {std::pair{"tiny-phi3", "null"}, {"tiny-gemma2", "0"}}) {
    auto entries = LoadConfigVector(name).Gguf();
    for (MetadataEntry& entry : entries) {
      if (entry.key.ends_with("sliding_window")) entry.value = std::uint64_t{0};
    }
    const auto config = HubConfigFromGguf(entries, {.vocab_size = 96}, "tiny.gguf");
    ASSERT_TRUE(Ok(config));
    EXPECT_THAT(config->text, HasSubstr(std::string("\"sliding_window\": ") + text));
  }
}

TEST(HubConfigFromGguf, NamesWhatIsMissingOrWrong) {
  EXPECT_EQ(ErrorOf({{"general.architecture", std::nullopt}}).message,
            "general.architecture is missing");
  EXPECT_EQ(ErrorOf({{"general.architecture", "bert"}}).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf({{"llama.block_count", std::nullopt}}).message, "llama.block_count is missing");
  EXPECT_EQ(ErrorOf({{"llama.block_count", "4"}}).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf({{"llama.block_count", std::int64_t{-4}}}).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf({{"llama.attention.layer_norm_rms_epsilon", std::nan("")}}).code,
            Errc::kMalformed);
  EXPECT_EQ(ErrorOf({{"llama.attention.value_length", std::uint64_t{8}}}).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf({{"llama.rope.dimension_count", std::uint64_t{8}}}).message,
            "8 of the 16 values of a head are rotated");
  EXPECT_EQ(ErrorOf({{"llama.rope.scaling.type", "new"}}).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf({{"llama.rope.scaling.type", "linear"}}).message,
            "llama.rope.scaling.factor is missing");
  const auto array = std::make_shared<MetadataArray>(MetadataType::kU32);
  EXPECT_THAT(ErrorOf({{"llama.attention.head_count", std::shared_ptr<const MetadataArray>(array)}})
                  .message,
              HasSubstr("differs from layer to layer"));
  EXPECT_EQ(ErrorOf({{"llama.attention.head_count", std::uint64_t{0}}}).code, Errc::kMalformed);
}

TEST(HubConfigFromGguf, RefusesAnotherModelsTensors) {
  const Error error = ErrorOf({}, {.vocab_size = 128, .has_output = true});
  EXPECT_EQ(error.subject, "tiny.gguf");
  EXPECT_EQ(error.message, "vocab_size is 96, but the rows of model.embed_tokens are 128");
  EXPECT_THAT(ErrorOf({}, {.vocab_size = 96, .rope_freqs = {1, 2}}).code, Errc::kUnsupported);
  EXPECT_THAT(ErrorOf({}, {.vocab_size = 96, .rope_freqs = {1, 1}}).message,
              HasSubstr("the values of rope_freqs are 2"));
}

TEST(HubConfigFromGguf, RefusesBiasesThatTheFamilyDoesNotHave) {
  EXPECT_EQ(ErrorOf({}, {.vocab_size = 96, .has_query_bias = true}).message,
            "biases of q, k and v: yes, of o: no, of the feed-forward block: no, in a model of "
            "type llama");
}

Result<HubConfig> FromMeta(std::string_view params, const TensorFacts& tensors) {
  const auto document = JsonDocument::Parse(params, "params.json");
  EXPECT_TRUE(Ok(document));
  return HubConfigFromMeta(*document, tensors);
}

// Llama 3.1 8B's and 3.2 1B's params.json, and what their publisher's config.json say.
TEST(HubConfigFromMeta, KnowsLlama3) {
  const auto config = FromMeta(
      R"({"dim": 4096, "ffn_dim_multiplier": 1.3, "multiple_of": 1024, "n_heads": 32,
          "n_kv_heads": 8, "n_layers": 32, "norm_eps": 1e-05, "rope_theta": 500000.0,
          "use_scaled_rope": true, "vocab_size": 128256})",
      {.layers = 32,
       .vocab_size = 128256,
       .hidden_size = 4096,
       .ffn_size = 14336,
       .query_rows = 4096,
       .key_rows = 1024,
       .has_output = true,
       .dtype = Dtype::kBf16});
  ASSERT_TRUE(Ok(config));
  for (const char* member :
       {"\"intermediate_size\": 14336", "\"num_key_value_heads\": 8", "\"factor\": 8.0",
        "\"rope_theta\": 500000.0", "\"max_position_embeddings\": 131072", "\"head_dim\": 128",
        "\"bos_token_id\": 128000", "\"model_type\": \"llama\"", "\"vocab_size\": 128256",
        "\"tie_word_embeddings\": false", "\"rope_type\": \"llama3\""}) {
    EXPECT_THAT(config->text, HasSubstr(member));
  }
  EXPECT_THAT(config->notes, ElementsAre(HasSubstr("8 is taken, as Meta's code has"),
                                         HasSubstr("131072 is taken")));

  const auto small = FromMeta(
      R"({"dim": 2048, "ffn_dim_multiplier": 1.5, "multiple_of": 256, "n_heads": 32,
          "n_kv_heads": 8, "n_layers": 16, "norm_eps": 1e-05, "rope_theta": 500000.0,
          "use_scaled_rope": true, "vocab_size": 128256})",
      {.vocab_size = 128256, .ffn_size = 8192});
  ASSERT_TRUE(Ok(small));
  EXPECT_THAT(small->text, HasSubstr("\"factor\": 32.0"));
  EXPECT_THAT(small->text, HasSubstr("\"tie_word_embeddings\": true"));
}

TEST(HubConfigFromMeta, KnowsLlama1And2) {
  const auto config = FromMeta(
      R"({"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-06,
          "vocab_size": -1})",
      {.vocab_size = 32000, .ffn_size = 11008, .has_output = true, .dtype = Dtype::kF16});
  ASSERT_TRUE(Ok(config));
  for (const char* member :
       {"\"num_key_value_heads\": 32", "\"rope_theta\": 10000.0", "\"rope_scaling\": null",
        "\"max_position_embeddings\": 2048", "\"rms_norm_eps\": 1e-06", "\"vocab_size\": 32000",
        "\"bos_token_id\": 1", "\"torch_dtype\": \"float16\""}) {
    EXPECT_THAT(config->text, HasSubstr(member));
  }
}

// Mistral's and Mixtral's own params.json.
TEST(HubConfigFromMeta, KnowsMistral) {
  const auto mistral = FromMeta(
      R"({"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32,
          "n_kv_heads": 8, "norm_eps": 1e-05, "vocab_size": 32768, "rope_theta": 1000000.0})",
      {.vocab_size = 32768, .ffn_size = 14336, .has_output = true});
  ASSERT_TRUE(Ok(mistral));
  EXPECT_THAT(mistral->text, HasSubstr("\"model_type\": \"mistral\""));
  EXPECT_THAT(mistral->text, HasSubstr("\"sliding_window\": null"));
  const auto mixtral = FromMeta(
      R"({"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32,
          "n_kv_heads": 8, "norm_eps": 1e-05, "vocab_size": 32000, "rope_theta": 1000000.0,
          "moe": {"num_experts_per_tok": 2, "num_experts": 8}})",
      {.vocab_size = 32000, .expert_ffn_size = 14336, .has_output = true});
  ASSERT_TRUE(Ok(mixtral));
  EXPECT_THAT(mixtral->text, HasSubstr("\"num_local_experts\": 8"));
}

TEST(HubConfigFromMeta, NamesContradictions) {
  const TensorFacts tensors{.vocab_size = 96, .ffn_size = 160};
  const auto with = [](std::string_view more) {
    return R"({"dim": 64, "n_layers": 2, "n_heads": 4, "norm_eps": 1e-5, )" + std::string(more) +
           "}";
  };
  EXPECT_THAT(FromMeta(with(R"("vocab_size": 97)"), tensors).error().message,
              "vocab_size is 97, but the rows of model.embed_tokens are 96");
  const auto other = FromMeta(with(R"("multiple_of": 32, "vocab_size": -1)"), tensors);
  ASSERT_TRUE(Ok(other));
  EXPECT_THAT(other->notes[0], HasSubstr("give a feed-forward size of 192"));
  EXPECT_EQ(FromMeta(with(R"("hidden_dim": 192)"), tensors).error().code, Errc::kMalformed);
  EXPECT_EQ(FromMeta(with(R"("n_kv_heads": "2")"), tensors).error().message,
            "n_kv_heads is no whole number below 2^32");
  EXPECT_EQ(FromMeta(with(R"("multiple_of": 0)"), {}).error().code, Errc::kMalformed);
  EXPECT_EQ(FromMeta(with(R"("rope_theta": -1e300)"), tensors).error().message,
            "rope_theta is no number, or beyond f32");
  EXPECT_EQ(FromMeta("[]", tensors).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace hallmark
