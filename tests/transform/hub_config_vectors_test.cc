// config.json made from GGUF's keys, against what transformers reads from the config.json that
// those keys were made from.
#include <fmt/format.h>

#include "tests/support/config_vectors.h"
#include "tests/support/test_support.h"
#include "transform/hub_config.h"

namespace hallmark {
namespace {

class HubConfigVectors : public testing::TestWithParam<std::string> {};

// One JSON value, for comparing: numbers by what f32 holds of them, since GGUF stores that.
std::string Spelled(const JsonValue& value) {
  if (const auto number = value.AsDouble()) return fmt::format("{}", static_cast<float>(*number));
  if (const auto text = value.AsString()) return std::string(*text);
  if (const auto flag = value.AsBool()) return *flag ? "true" : "false";
  std::string text = value.IsArray() ? "[" : "null";
  for (const JsonValue& item : value.Items()) text += Spelled(item) + " ";
  return text;
}

std::string Spelled(const std::optional<JsonValue>& value) {
  return value ? Spelled(*value) : "null";
}

// Keys of transformers' full configuration that neither GGUF nor shapes tell, and that change
// nothing a model computes.
bool IsAside(std::string_view key) {
  for (const std::string_view aside : {"initializer_range",
                                       "use_cache",
                                       "pretraining_tp",
                                       "attention_dropout",
                                       "resid_pdrop",
                                       "embd_pdrop",
                                       "bos_token_id",
                                       "eos_token_id",
                                       "pad_token_id",
                                       "router_aux_loss_coef",
                                       "router_jitter_noise",
                                       "output_router_logits",
                                       "max_window_layers",
                                       "cache_implementation",
                                       "max_sequence_length",
                                       "rope_interleaved",
                                       "use_mrope",
                                       "sliding_window_size",
                                       "mm_tokens_per_image",
                                       "boi_token_index",
                                       "eoi_token_index",
                                       "image_token_index",
                                       "qkv_bias",
                                       "use_bidirectional_attention"}) {
    if (key == aside) return true;
  }
  return false;
}

// The parameters of one kind of layer's rotary frequencies, both ways of writing them.
void ExpectRope(const HubValues& ours, const JsonValue& loaded) {
  const auto full = loaded.Find("full_attention").value_or(loaded);
  for (const JsonMember& member : full.Members()) {
    if (member.key == "type") continue;
    std::string found = Spelled(ours.FindRope(member.key));
    if (member.key == "rope_type") found = (*ours.Rope())->name;
    if (member.key == "rope_theta" || member.key == "original_max_position_embeddings" ||
        member.key == "partial_rotary_factor") {
      found = fmt::format("{}", static_cast<float>(ours.Number(member.key)->value_or(-1)));
    }
    EXPECT_EQ(found, Spelled(member.value)) << member.key;
  }
  if (const auto sliding = loaded.Find("sliding_attention")) {
    EXPECT_EQ(ours.Number("rope_local_base_freq")->value(),
              *sliding->Find("rope_theta")->AsDouble());
  }
}

TEST_P(HubConfigVectors, MeanWhatTheKeysWereMadeFrom) {
  const ConfigVector vector = LoadConfigVector(GetParam());
  const JsonValue loaded = *vector.expected.Root().Find("loaded");
  auto tensors = vector.Tensors();
  if (!tensors) {  // published: what the tensors would tell, from the publisher's word
    tensors.emplace();
    tensors->vocab_size = *loaded.Find("vocab_size")->AsU64();
    tensors->has_output = loaded.Find("tie_word_embeddings")->AsBool() == false;
    tensors->has_query_bias = GetParam().find("qwen2.5") != std::string::npos ||
                              GetParam().find("qwen1.5") != std::string::npos;
    auto rope = vector.Rope();
    tensors->rope_freqs = rope["rope_freqs.weight"];
    tensors->rope_factors_long = rope["rope_factors_long.weight"];
    tensors->rope_factors_short = rope["rope_factors_short.weight"];
    const std::uint32_t type = vector.FileType();
    tensors->dtype = type == 0 ? Dtype::kF32 : type == 1 ? Dtype::kF16 : Dtype::kBf16;
  }

  const auto config = HubConfigFromGguf(vector.Gguf(), *tensors, "model.gguf");
  ASSERT_TRUE(Ok(config));
  EXPECT_THAT(config->notes, testing::IsEmpty());
  const auto document = JsonDocument::Parse(config->text, "config.json");
  ASSERT_TRUE(Ok(document));
  const auto ours = HubValues::Read(*document);
  ASSERT_TRUE(Ok(ours));

  const std::string_view family = ours->Family().model_type;
  // GGUF's llama cannot say that it is a Mistral, nor what it would do with a window.
  const bool was_mistral = loaded.Find("model_type")->AsString() == "mistral";
  for (const JsonMember& member : loaded.Members()) {
    const std::string_view key = member.key;
    if (IsAside(key) || key.starts_with("_")) continue;
    if (was_mistral && (key == "model_type" || key == "architectures" || key == "sliding_window")) {
      continue;
    }
    if (key == "rope_parameters") {
      ExpectRope(*ours, member.value);
    } else if (key == "dtype") {
      if (member.value.GetKind() == JsonValue::Kind::kNull) continue;  // of a vision model
      EXPECT_EQ(Spelled(ours->Find("torch_dtype")), Spelled(member.value));
    } else if (key == "layer_types" || key == "no_rope_layers") {
      // Follow from the family, as the keys' own tests show by losing nothing.
    } else if (key == "architectures" && member.value.GetKind() == JsonValue::Kind::kNull) {
      // The text model of a vision model has none.
    } else if (key == "hidden_act" && family.starts_with("gemma")) {
      const std::string other = family == "gemma" ? "hidden_act" : "hidden_activation";
      EXPECT_EQ(Spelled(ours->Find(other)), "gelu_pytorch_tanh");
    } else if (key == "sliding_window" && Spelled(member.value) == "0") {
      EXPECT_EQ(Spelled(ours->Find(key)), "null");
    } else if (key == "attention_bias" && ours->Family().biases == Biases::kNone) {
      EXPECT_EQ(Spelled(member.value), "false");  // said of models that cannot have them
    } else if (key == "head_dim") {
      if (member.value.GetKind() == JsonValue::Kind::kNull) continue;
      EXPECT_EQ(fmt::format("{}", *ours->HeadDim()), Spelled(member.value));
    } else {
      EXPECT_EQ(Spelled(ours->Find(key)), Spelled(member.value)) << key;
    }
  }

  // And back: the same keys, but for those about the file itself.
  GgufFacts facts;
  facts.file_type = vector.FileType();
  const auto keys = GgufKeysOf(*document, facts);
  ASSERT_TRUE(Ok(keys));
  EXPECT_THAT(keys->lost, testing::IsEmpty());
  std::vector<std::string> wanted, found;
  for (const MetadataEntry& entry : vector.Gguf()) {
    if (!entry.key.starts_with("general.")) wanted.push_back(EntryText(entry));
  }
  for (const MetadataEntry& entry : keys->entries) {
    if (!entry.key.starts_with("general.")) found.push_back(EntryText(entry));
  }
  EXPECT_EQ(found, wanted);
}

// One model, as Meta's and as Hugging Face's fixtures.
TEST(HubConfigFromMetaVectors, MeansTheHubsOwn) {
  const auto params =
      JsonDocument::Parse(ReadFixture("meta-llama2-bf16/params.json"), "params.json");
  const auto hub =
      JsonDocument::Parse(ReadFixture("hf-safetensors-bf16/config.json"), "config.json");
  ASSERT_TRUE(Ok(params));
  ASSERT_TRUE(Ok(hub));
  const auto config = HubConfigFromMeta(*params, {.layers = 2,
                                                  .vocab_size = 320,
                                                  .hidden_size = 64,
                                                  .ffn_size = 160,
                                                  .query_rows = 64,
                                                  .key_rows = 32,
                                                  .has_output = true,
                                                  .dtype = Dtype::kBf16});
  ASSERT_TRUE(Ok(config));
  const auto ours = JsonDocument::Parse(config->text, "ours");
  ASSERT_TRUE(Ok(ours));
  for (const JsonMember& member : hub->Root().Members()) {
    if (member.key == "max_position_embeddings") continue;  // params.json has none
    EXPECT_EQ(Spelled(ours->Root().Find(member.key)), Spelled(member.value)) << member.key;
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, HubConfigVectors, testing::ValuesIn(ConfigVectorNames()),
                         ConfigTestName);

}  // namespace
}  // namespace hallmark
