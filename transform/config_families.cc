#include "transform/config_families.h"

namespace hallmark {
namespace {

using enum MetadataType;
using enum KeyRule;
using enum DefaultKind;
using enum Biases;
using Keys = std::span<const ConfigKey>;

// clang-format off
constexpr ConfigKey kShape[] = {
    {"block_count",             "num_hidden_layers",       kU32, true},
    {"context_length",          "max_position_embeddings", kU32, true},
    {"embedding_length",        "hidden_size",             kU32, true},
    {"feed_forward_length",     "intermediate_size",       kU32, true},
    {"attention.head_count",    "num_attention_heads",     kU32, true},
    {"attention.head_count_kv", "num_key_value_heads",     kU32, true},
};
constexpr ConfigKey kRope[] = {
    {"rope.scaling.type", "rope_scaling", kString, false, kRopeScaling},
    {"rope.freq_base",    "rope_theta",   kF32},
};
constexpr ConfigKey kRopeOfWindows[] = {
    {"rope.freq_base_swa", "rope_local_base_freq", kF32},
};
constexpr ConfigKey kEpsilon[] = {
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", kF32, true},
};
constexpr ConfigKey kMixtralExperts[] = {
    {"expert_count",      "num_local_experts",   kU32, true},
    {"expert_used_count", "num_experts_per_tok", kU32, true},
};
constexpr ConfigKey kQwenExperts[] = {
    {"expert_count",      "num_experts",         kU32, true},
    {"expert_used_count", "num_experts_per_tok", kU32, true},
};
constexpr ConfigKey kHeadDim[] = {
    {"attention.key_length",   "head_dim", kU32},
    {"attention.value_length", "head_dim", kU32},
};
constexpr ConfigKey kFile[] = {
    {"general.file_type", "", kU32, true, kFileType},
};
constexpr ConfigKey kLlamaEnd[] = {
    {"vocab_size",           "vocab_size", kU32, true},
    {"rope.dimension_count", "",           kU32, false, kRopeDimensions},
};
constexpr ConfigKey kExpertSize[] = {
    {"expert_feed_forward_length", "moe_intermediate_size", kU32, true},
};
constexpr ConfigKey kSharedExpertSize[] = {
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size", kU32, true},
};
constexpr ConfigKey kGraniteScales[] = {
    {"attention.scale", "attention_multiplier", kF32},
    {"embedding_scale", "embedding_multiplier", kF32},
    {"residual_scale",  "residual_multiplier",  kF32},
    {"logit_scale",     "logits_scaling",       kF32},
};
constexpr ConfigKey kGemma[] = {
    {"context_length",                   "max_position_embeddings", kU32, true},
    {"embedding_length",                 "hidden_size",             kU32, true},
    {"block_count",                      "num_hidden_layers",       kU32, true},
    {"feed_forward_length",              "intermediate_size",       kU32, true},
    {"attention.head_count",             "num_attention_heads",     kU32, true},
    {"attention.head_count_kv",          "num_key_value_heads",     kU32, true},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps",            kF32, true},
    {"attention.key_length",             "head_dim",                kU32},
    {"attention.value_length",           "head_dim",                kU32},
    {"general.file_type",                "",                        kU32, true, kFileType},
};
constexpr ConfigKey kGemma2End[] = {
    {"attn_logit_softcapping",   "attn_logit_softcapping",  kF32, true},
    {"final_logit_softcapping",  "final_logit_softcapping", kF32, true},
    {"attention.sliding_window", "sliding_window",          kU32, true},
};
constexpr ConfigKey kGemma3End[] = {
    {"final_logit_softcapping",  "final_logit_softcapping", kF32},
    {"attention.sliding_window", "sliding_window",          kU32},
};
constexpr ConfigKey kPhi3[] = {
    {"context_length",                       "max_position_embeddings", kU32, true},
    {"rope.scaling.original_context_length", "original_max_position_embeddings", kU32, true},
    {"embedding_length",                     "hidden_size",             kU32, true},
    {"feed_forward_length",                  "intermediate_size",       kU32, true},
    {"block_count",                          "num_hidden_layers",       kU32, true},
    {"attention.head_count",                 "num_attention_heads",     kU32, true},
    {"attention.head_count_kv",              "num_key_value_heads",     kU32, true},
    {"attention.layer_norm_rms_epsilon",     "rms_norm_eps",            kF32, true},
    {"rope.dimension_count",                 "",                        kU32, false, kRopeDimensions},
    {"rope.freq_base",                       "rope_theta",              kF32},
    {"general.file_type",                    "",                        kU32, true, kFileType},
    {"attention.sliding_window",             "sliding_window",          kU32},
};

constexpr Keys kLlamaKeys[] = {kShape, kRope, kEpsilon, kHeadDim, kFile, kLlamaEnd};
constexpr Keys kMixtralKeys[] = {kShape, kRope, kEpsilon, kMixtralExperts, kHeadDim, kFile, kLlamaEnd};
constexpr Keys kGraniteKeys[] = {kShape, kRope, kEpsilon, kFile, kLlamaEnd, kGraniteScales};
constexpr Keys kQwenKeys[] = {kShape, kRope, kEpsilon, kHeadDim, kFile};
constexpr Keys kQwen2MoeKeys[] = {kShape, kRope, kEpsilon, kQwenExperts, kHeadDim, kFile,
                                  kExpertSize, kSharedExpertSize};
constexpr Keys kQwen3MoeKeys[] = {kShape, kRope, kEpsilon, kQwenExperts, kHeadDim, kFile, kExpertSize};
constexpr Keys kGemmaKeys[] = {kGemma};
constexpr Keys kGemma2Keys[] = {kGemma, kGemma2End};
constexpr Keys kGemma3Keys[] = {kShape, kRope, kRopeOfWindows, kEpsilon, kHeadDim, kFile, kGemma3End};
constexpr Keys kPhi3Keys[] = {kPhi3};

// Defaults: those of transformers 5's configuration classes, but for sizes that every config.json has.
constexpr HubDefault kLlamaDefaults[] = {
    {"max_position_embeddings", kNumber, 2048}, {"num_key_value_heads", kHeads},
    {"rms_norm_eps", kNumber, 1e-6},            {"rope_theta", kNumberOrNull, 10000},
    {"head_dim", kHeadWidth},
};
constexpr HubDefault kMistralDefaults[] = {
    {"max_position_embeddings", kNumber, 131072}, {"num_key_value_heads", kNumber, 8},
    {"rms_norm_eps", kNumber, 1e-6},              {"rope_theta", kNumberOrNull, 10000},
    {"head_dim", kHeadWidth},
};
constexpr HubDefault kMixtralDefaults[] = {
    {"max_position_embeddings", kNumber, 131072}, {"num_key_value_heads", kNumber, 8},
    {"rms_norm_eps", kNumber, 1e-5},              {"rope_theta", kNumberOrNull, 1e6},
};
constexpr HubDefault kQwen2Defaults[] = {
    {"max_position_embeddings", kNumber, 32768},
    {"rms_norm_eps", kNumber, 1e-6},             {"rope_theta", kNumberOrNull, 10000},
};
constexpr HubDefault kQwen3Defaults[] = {
    {"max_position_embeddings", kNumber, 32768},
    {"rms_norm_eps", kNumber, 1e-6},             {"rope_theta", kNumberOrNull, 10000},
    {"head_dim", kNumber, 128},
};
constexpr HubDefault kGemmaDefaults[] = {
    {"max_position_embeddings", kNumber, 8192},
    {"rms_norm_eps", kNumber, 1e-6},            {"rope_theta", kNumberOrNull, 10000},
    {"head_dim", kNumber, 256},
};
constexpr HubDefault kGemma2Defaults[] = {
    {"max_position_embeddings", kNumber, 8192}, {"num_key_value_heads", kNumber, 4},
    {"rms_norm_eps", kNumber, 1e-6},            {"rope_theta", kNumberOrNull, 10000},
    {"head_dim", kNumber, 256},                 {"query_pre_attn_scalar", kNumber, 256},
    {"attn_logit_softcapping", kNumber, 50},    {"final_logit_softcapping", kNumber, 30},
    {"sliding_window", kNumber, 4096},
};
constexpr HubDefault kGemma3Defaults[] = {
    {"max_position_embeddings", kNumber, 131072}, {"num_key_value_heads", kNumber, 4},
    {"rms_norm_eps", kNumber, 1e-6},              {"rope_theta", kNumberOrNull, 1e6},
    {"head_dim", kNumber, 256},                   {"query_pre_attn_scalar", kNumber, 256},
    {"num_attention_heads", kNumber, 8},          {"sliding_window", kNumber, 4096},
    {"rope_local_base_freq", kNumberOrNull, 10000},
};
constexpr HubDefault kPhi3Defaults[] = {
    {"max_position_embeddings", kNumber, 4096}, {"num_key_value_heads", kHeads},
    {"rms_norm_eps", kNumber, 1e-5},            {"rope_theta", kNumberOrNull, 10000},
    {"sliding_window", kNumberOrNull, 0},       {"partial_rotary_factor", kNumberOrNull, 1},
    {"original_max_position_embeddings", kNumberOrNull, 4096},
};
constexpr HubDefault kSmolLm3Defaults[] = {
    {"max_position_embeddings", kNumber, 32768}, {"num_key_value_heads", kNumber, 4},
    {"rms_norm_eps", kNumber, 1e-6},             {"rope_theta", kNumberOrNull, 2e6},
};
constexpr HubDefault kGraniteDefaults[] = {
    {"max_position_embeddings", kNumber, 2048}, {"num_key_value_heads", kHeads},
    {"rms_norm_eps", kNumber, 1e-6},            {"rope_theta", kNumberOrNull, 10000},
    {"attention_multiplier", kNumber, 1},       {"embedding_multiplier", kNumber, 1},
    {"residual_multiplier", kNumber, 1},        {"logits_scaling", kNumber, 1},
};
constexpr HubDefault kOlmo2Defaults[] = {
    {"max_position_embeddings", kNumber, 2048}, {"num_key_value_heads", kHeads},
    {"rms_norm_eps", kNumber, 1e-5},            {"rope_theta", kNumberOrNull, 10000},
};

// Constants: what llama.cpp's graph of the architecture computes.
constexpr HubConstant kLlamaConstants[] = {{"hidden_act", "\"silu\""}};
constexpr HubConstant kMistralConstants[] = {
    {"hidden_act", "\"silu\""},
    {"sliding_window", "null", {}, true},
};
constexpr HubConstant kMixtralConstants[] = {{"hidden_act", "\"silu\""}, {"sliding_window", "null"}};
constexpr HubConstant kQwenConstants[] = {{"hidden_act", "\"silu\""}, {"use_sliding_window", "false"}};
constexpr HubConstant kQwen2MoeConstants[] = {
    {"hidden_act", "\"silu\""},     {"use_sliding_window", "false"}, {"norm_topk_prob", "false"},
    {"decoder_sparse_step", "1"},   {"mlp_only_layers", "[]"},
};
constexpr HubConstant kQwen3MoeConstants[] = {
    {"hidden_act", "\"silu\""},   {"use_sliding_window", "false"}, {"norm_topk_prob", "true", {}, true},
    {"decoder_sparse_step", "1"}, {"mlp_only_layers", "[]"},
};
constexpr HubConstant kGemmaConstants[] = {
    {"hidden_act", "\"gelu_pytorch_tanh\"", "\"gelu\""},  // Gemma's first files said gelu and meant tanh
    {"rope_theta", "10000.0"},
};
constexpr HubConstant kGemma2Constants[] = {
    {"hidden_activation", "\"gelu_pytorch_tanh\""},
    {"rope_theta", "10000.0"},
};
constexpr HubConstant kGemma3Constants[] = {
    {"hidden_activation", "\"gelu_pytorch_tanh\""},
    {"attn_logit_softcapping", "null"},
    {"sliding_window_pattern", "6"},
};
constexpr HubConstant kSmolLm3Constants[] = {
    {"hidden_act", "\"silu\""},
    {"no_rope_layer_interval", "4"},
    {"use_sliding_window", "false"},
};

constexpr ConfigKey kLinearKeys[] = {{"rope.scaling.factor", "factor", kF32, true}};
constexpr ConfigKey kYarnKeys[] = {
    {"rope.scaling.factor",                  "factor", kF32, true},
    {"rope.scaling.original_context_length", "original_max_position_embeddings", kU32, true},
    {"rope.scaling.yarn_ext_factor",         "extrapolation_factor", kF32},
    {"rope.scaling.yarn_attn_factor",        "attention_factor",     kF32},
    {"rope.scaling.yarn_beta_fast",          "beta_fast",            kF32},
    {"rope.scaling.yarn_beta_slow",          "beta_slow",            kF32},
};
constexpr ConfigKey kLlama3Keys[] = {
    {"", "factor", kF32, true},
    {"", "low_freq_factor", kF32, true},
    {"", "high_freq_factor", kF32, true},
    {"", "original_max_position_embeddings", kU32, true},
};
constexpr ConfigKey kLongropeKeys[] = {
    {"", "long_factor", kArray, true},
    {"", "short_factor", kArray, true},
    {"", "original_max_position_embeddings", kU32},
};
constexpr RopeKind kRopeKinds[] = {
    {"default",  false, {}},
    {"linear",   true,  kLinearKeys},
    {"yarn",     true,  kYarnKeys},
    {"llama3",   false, kLlama3Keys},
    {"longrope", false, kLongropeKeys},
};
constexpr std::string_view kLlamaRope[] = {"linear", "yarn", "llama3"};
constexpr std::string_view kPlainRope[] = {"linear", "yarn"};
constexpr std::string_view kPhi3Rope[] = {"longrope"};

constexpr ConfigFamily kFamilies[] = {
    {"llama",       "LlamaForCausalLM",    kLlamaKeys,    kLlamaDefaults,   kLlamaConstants,    kLlamaRope, kAttentionFfn},
    {"mistral",     "MistralForCausalLM",  kLlamaKeys,    kMistralDefaults, kMistralConstants,  kLlamaRope, kNone},
    {"mixtral",     "MixtralForCausalLM",  kMixtralKeys,  kMixtralDefaults, kMixtralConstants,  kLlamaRope, kNone},
    {"qwen2",       "Qwen2ForCausalLM",    kQwenKeys,     kQwen2Defaults,   kQwenConstants,     kPlainRope, kQkv},
    {"qwen2_moe",   "Qwen2MoeForCausalLM", kQwen2MoeKeys, kQwen2Defaults,   kQwen2MoeConstants, kPlainRope, kQkv},
    {"qwen3",       "Qwen3ForCausalLM",    kQwenKeys,     kQwen3Defaults,   kQwenConstants,     kPlainRope, kAttention},
    {"qwen3_moe",   "Qwen3MoeForCausalLM", kQwen3MoeKeys, kQwen2Defaults,   kQwen3MoeConstants, kPlainRope, kAttention},
    {"gemma",       "GemmaForCausalLM",    kGemmaKeys,    kGemmaDefaults,   kGemmaConstants,    {}, kAttention},
    {"gemma2",      "Gemma2ForCausalLM",   kGemma2Keys,   kGemma2Defaults,  kGemma2Constants,   {}, kAttention, 2},
    {"gemma3_text", "Gemma3ForCausalLM",   kGemma3Keys,   kGemma3Defaults,  kGemma3Constants,   kPlainRope, kAttention, 6},
    {"phi3",        "Phi3ForCausalLM",     kPhi3Keys,     kPhi3Defaults,    kLlamaConstants,    kPhi3Rope, kNone},
    {"smollm3",     "SmolLM3ForCausalLM",  kLlamaKeys,    kSmolLm3Defaults, kSmolLm3Constants,  kLlamaRope, kAttentionFfn},
    {"granite",     "GraniteForCausalLM",  kGraniteKeys,  kGraniteDefaults, kLlamaConstants,    kLlamaRope, kAttentionFfn},
    {"olmo2",       "Olmo2ForCausalLM",    kQwenKeys,     kOlmo2Defaults,   kLlamaConstants,    kPlainRope, kAttention},
};
// clang-format on

}  // namespace

const RopeKind* FindRopeKind(std::string_view name) {
  if (name == "su") name = "longrope";  // Phi-3's first name for it
  for (const RopeKind& kind : kRopeKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

std::span<const ConfigFamily> AllConfigFamilies() { return kFamilies; }

const ConfigFamily* FindConfigFamily(std::string_view model_type) {
  if (model_type == "gemma3") model_type = "gemma3_text";
  for (const ConfigFamily& family : kFamilies) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

std::optional<std::uint64_t> AssumedQueryScalar(const ConfigFamily& family, std::uint64_t layers,
                                                std::uint64_t hidden_size, std::uint64_t heads,
                                                std::uint64_t head_dim) {
  const bool is_gemma2 = family.model_type == "gemma2";
  const bool is_gemma3 = family.model_type == "gemma3_text";
  if (!is_gemma2 && !is_gemma3) return std::nullopt;
  const bool is_27b = layers == (is_gemma2 ? 46u : 62u);
  return is_27b && heads != 0 ? hidden_size / heads : head_dim;
}

}  // namespace hallmark
