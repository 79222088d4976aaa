#include "transform/meta_params.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"
#include "transform/hub_config.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Config(std::uint64_t dim, std::uint64_t layers, std::uint64_t heads, std::uint64_t kv,
                   std::uint64_t ffn, std::string_view more = "") {
  return fmt::format(
      R"({{"model_type": "llama", "hidden_size": {}, "num_hidden_layers": {},
          "num_attention_heads": {}, "num_key_value_heads": {}, "intermediate_size": {},
          "vocab_size": 32000, "rms_norm_eps": 1e-05{}}})",
      dim, layers, heads, kv, ffn, more);
}

Result<MetaParams> ParamsOf(std::string_view config, const TensorFacts& tensors = {}) {
  const auto document = JsonDocument::Parse(config, "config.json");
  EXPECT_TRUE(Ok(document)) << config;
  return MetaParamsFromHub(*document, tensors);
}

// Meta's formula on the published numbers gives the published sizes.
TEST(MetaFfnSize, IsThatOfTheReleases) {
  EXPECT_EQ(MetaFfnSize(4096, 256, 1), 11008u);
  EXPECT_EQ(MetaFfnSize(5120, 256, 1), 13824u);
  EXPECT_EQ(MetaFfnSize(6656, 256, 1), 17920u);
  EXPECT_EQ(MetaFfnSize(8192, 256, 1), 22016u);
  EXPECT_EQ(MetaFfnSize(8192, 4096, 1.3), 28672u);
  EXPECT_EQ(MetaFfnSize(4096, 1024, 1.3), 14336u);
  EXPECT_EQ(MetaFfnSize(16384, 4096, 1.2), 53248u);
  EXPECT_EQ(MetaFfnSize(2048, 256, 1.5), 8192u);
  EXPECT_EQ(MetaFfnSize(3072, 256, 1.0), 8192u);
  EXPECT_EQ(MetaFfnSize(4096, 256, -1), 0u);
  EXPECT_EQ(MetaFfnSize(UINT32_MAX, 1, 1e300), 0u);
}

TEST(MetaParams, AreThoseOfTheReleases) {
  const auto text = [](const std::string& config) {
    const auto params = ParamsOf(config);
    EXPECT_TRUE(Ok(params));
    return params ? params->text : "";
  };
  constexpr std::string_view kLlama3 = R"(, "rope_theta": 500000.0)";
  constexpr std::string_view kScaled =
      R"(, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192})";
  EXPECT_EQ(text(Config(4096, 32, 32, 32, 11008)),
            R"({"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, )"
            R"("norm_eps": 1e-05, "vocab_size": 32000})");
  EXPECT_EQ(text(Config(8192, 80, 64, 8, 28672)),
            R"({"dim": 8192, "ffn_dim_multiplier": 1.3, "multiple_of": 4096, "n_heads": 64, )"
            R"("n_kv_heads": 8, "n_layers": 80, "norm_eps": 1e-05, "vocab_size": 32000})");
  EXPECT_EQ(text(Config(4096, 32, 32, 8, 14336, kLlama3)),
            R"({"dim": 4096, "ffn_dim_multiplier": 1.3, "multiple_of": 1024, "n_heads": 32, )"
            R"("n_kv_heads": 8, "n_layers": 32, "norm_eps": 1e-05, "rope_theta": 500000.0, )"
            R"("vocab_size": 32000})");
  EXPECT_EQ(text(Config(16384, 126, 128, 8, 53248, kScaled)),
            R"({"dim": 16384, "ffn_dim_multiplier": 1.2, "multiple_of": 4096, "n_heads": 128, )"
            R"("n_kv_heads": 8, "n_layers": 126, "norm_eps": 1e-05, "rope_theta": 500000.0, )"
            R"("use_scaled_rope": true, "vocab_size": 32000})");
  EXPECT_THAT(text(Config(2048, 16, 32, 8, 8192, kLlama3)),
              HasSubstr(R"("ffn_dim_multiplier": 1.5, "multiple_of": 256)"));
  EXPECT_THAT(text(Config(3072, 28, 24, 8, 8192, kLlama3)),
              HasSubstr(R"("ffn_dim_multiplier": 1.0, "multiple_of": 256)"));
  EXPECT_THAT(text(Config(8192, 80, 64, 8, 28672, kLlama3)),
              HasSubstr(R"("ffn_dim_multiplier": 1.3, "multiple_of": 4096)"));
}

TEST(MetaParams, FindTheirWayToOtherSizes) {
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> sizes = {
      {2048, 5632}, {576, 1536}, {64, 160}, {64, 64}, {64, 33}, {64, 100000}, {49, 13}};
  for (const auto& [dim, ffn] : sizes) {
    const auto params = ParamsOf(Config(dim, 2, 1, 1, ffn));
    ASSERT_TRUE(Ok(params)) << ffn;
    const auto document = JsonDocument::Parse(params->text, "params.json");
    ASSERT_TRUE(Ok(document));
    const JsonValue root = document->Root();
    const auto multiplier = root.Find("ffn_dim_multiplier");
    EXPECT_EQ(MetaFfnSize(dim, *root.Find("multiple_of")->AsU64(),
                          multiplier ? *multiplier->AsDouble() : 1),
              ffn);
  }
  EXPECT_THAT(ParamsOf(Config(0, 2, 4, 4, 160)).error().message,
              "no multiple_of and ffn_dim_multiplier give 160 from 0");
}

TEST(MetaParams, RefuseWhatMetasCodeDoesNotCompute) {
  const auto code = [](const std::string& config, const TensorFacts& tensors = {}) {
    const auto params = ParamsOf(config, tensors);
    EXPECT_FALSE(params);
    return params ? Errc::kUsage : params.error().code;
  };
  const auto with = [](std::string_view more) { return Config(64, 2, 4, 4, 192, more); };
  EXPECT_EQ(code(with(R"(, "head_dim": 32)")), Errc::kUnsupported);
  EXPECT_EQ(code(with(R"(, "rope_scaling": {"type": "linear", "factor": 2})")), Errc::kUnsupported);
  EXPECT_EQ(code(with(R"(, "rope_scaling": {"rope_type": "llama3", "factor": 8,
                            "low_freq_factor": 1, "high_freq_factor": 2,
                            "original_max_position_embeddings": 8192})")),
            Errc::kUnsupported);
  EXPECT_EQ(code(with(""), {.has_query_bias = true}), Errc::kUnsupported);
  EXPECT_EQ(code(with(""), {.layers = 3}), Errc::kMalformed);
  EXPECT_EQ(code(R"({"model_type": "qwen2", "hidden_size": 64, "num_attention_heads": 4,
                     "num_key_value_heads": 4})"),
            Errc::kUnsupported);
}

TEST(MetaParams, SayWhatIsLost) {
  const auto params = ParamsOf(
      Config(2048, 16, 32, 8, 8192,
             R"(, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 32.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192})"));
  ASSERT_TRUE(Ok(params));
  EXPECT_THAT(params->lost, ElementsAre(HasSubstr("the factor 32")));

  // And back: Llama 3.2 is known by its shape.
  const auto document = JsonDocument::Parse(params->text, "params.json");
  ASSERT_TRUE(Ok(document));
  const auto back = HubConfigFromMeta(*document, {.vocab_size = 32000, .ffn_size = 8192});
  ASSERT_TRUE(Ok(back));
  EXPECT_THAT(back->text, HasSubstr("\"factor\": 32.0"));
}

}  // namespace
}  // namespace hallmark
