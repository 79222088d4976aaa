#include "src/model/architecture.h"

#include <array>
#include <unordered_map>

#include "src/base/error.h"

namespace hallmark {
namespace {

using enum ShardAxis;
using enum TensorRole;

// clang-format off
constexpr TensorRule kEnds[] = {
    {"model.embed_tokens", "tok_embeddings", "token_embd",  kEmbedding,  kPlain},
    {"model.norm",         "norm",           "output_norm", kReplicated, kNorm},
    {"lm_head",            "output",         "output",      kRows,       kPlain},
};
constexpr TensorRule kAttention[] = {
    {"model.layers.#.self_attn.q_proj", "layers.#.attention.wq", "blk.#.attn_q",      kRows,    kQuery},
    {"model.layers.#.self_attn.k_proj", "layers.#.attention.wk", "blk.#.attn_k",      kRows,    kKey},
    {"model.layers.#.self_attn.v_proj", "layers.#.attention.wv", "blk.#.attn_v",      kRows,    kValue},
    {"model.layers.#.self_attn.o_proj", "layers.#.attention.wo", "blk.#.attn_output", kColumns, kPlain},
};
constexpr TensorRule kFeedForward[] = {
    {"model.layers.#.mlp.gate_proj", "layers.#.feed_forward.w1", "blk.#.ffn_gate", kRows,    kPlain},
    {"model.layers.#.mlp.up_proj",   "layers.#.feed_forward.w3", "blk.#.ffn_up",   kRows,    kPlain},
    {"model.layers.#.mlp.down_proj", "layers.#.feed_forward.w2", "blk.#.ffn_down", kColumns, kPlain},
};
constexpr TensorRule kNorms[] = {
    {"model.layers.#.input_layernorm",          "layers.#.attention_norm", "blk.#.attn_norm", kReplicated, kNorm},
    {"model.layers.#.post_attention_layernorm", "layers.#.ffn_norm",       "blk.#.ffn_norm",  kReplicated, kNorm},
};
constexpr TensorRule kHeadNorms[] = {
    {"model.layers.#.self_attn.q_norm", "", "blk.#.attn_q_norm", kReplicated, kNorm},
    {"model.layers.#.self_attn.k_norm", "", "blk.#.attn_k_norm", kReplicated, kNorm},
};
// Mixtral. Meta's scheme knows two spellings, GGUF stacked experts and, before 2024, single ones.
constexpr TensorRule kMixtral[] = {
    {"model.layers.#.block_sparse_moe.gate", "layers.#.block_sparse_moe.gate", "blk.#.ffn_gate_inp", kReplicated, kPlain},
    {"model.layers.#.block_sparse_moe.gate", "layers.#.feed_forward.gate",     "",                   kReplicated, kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w1", "layers.#.block_sparse_moe.experts.#.w1", "blk.#.ffn_gate_exps", kRows,    kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w2", "layers.#.block_sparse_moe.experts.#.w2", "blk.#.ffn_down_exps", kColumns, kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w3", "layers.#.block_sparse_moe.experts.#.w3", "blk.#.ffn_up_exps",   kRows,    kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w1", "layers.#.feed_forward.experts.#.w1",     "blk.#.ffn_gate.#",    kRows,    kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w2", "layers.#.feed_forward.experts.#.w2",     "blk.#.ffn_down.#",    kColumns, kPlain},
    {"model.layers.#.block_sparse_moe.experts.#.w3", "layers.#.feed_forward.experts.#.w3",     "blk.#.ffn_up.#",      kRows,    kPlain},
};
constexpr TensorRule kQwenExperts[] = {
    {"model.layers.#.mlp.gate",                "", "blk.#.ffn_gate_inp",  kReplicated, kPlain},
    {"model.layers.#.mlp.experts.#.gate_proj", "", "blk.#.ffn_gate_exps", kRows,       kPlain},
    {"model.layers.#.mlp.experts.#.up_proj",   "", "blk.#.ffn_up_exps",   kRows,       kPlain},
    {"model.layers.#.mlp.experts.#.down_proj", "", "blk.#.ffn_down_exps", kColumns,    kPlain},
};
constexpr TensorRule kQwenSharedExpert[] = {
    {"model.layers.#.mlp.shared_expert_gate",      "", "blk.#.ffn_gate_inp_shexp", kReplicated, kPlain},
    {"model.layers.#.mlp.shared_expert.gate_proj", "", "blk.#.ffn_gate_shexp",     kRows,       kPlain},
    {"model.layers.#.mlp.shared_expert.up_proj",   "", "blk.#.ffn_up_shexp",       kRows,       kPlain},
    {"model.layers.#.mlp.shared_expert.down_proj", "", "blk.#.ffn_down_shexp",     kColumns,    kPlain},
};
// Gemma 2 and 3 have a norm on either side of each block: ffn_norm is not post_attention_layernorm.
constexpr TensorRule kGemma2Norms[] = {
    {"model.layers.#.input_layernorm",            "", "blk.#.attn_norm",           kReplicated, kNorm},
    {"model.layers.#.post_attention_layernorm",   "", "blk.#.post_attention_norm", kReplicated, kNorm},
    {"model.layers.#.pre_feedforward_layernorm",  "", "blk.#.ffn_norm",            kReplicated, kNorm},
    {"model.layers.#.post_feedforward_layernorm", "", "blk.#.post_ffw_norm",       kReplicated, kNorm},
};
constexpr TensorRule kOlmo2Norms[] = {
    {"model.layers.#.post_attention_layernorm",   "", "blk.#.post_attention_norm", kReplicated, kNorm},
    {"model.layers.#.post_feedforward_layernorm", "", "blk.#.post_ffw_norm",       kReplicated, kNorm},
};
// Phi-3 fuses q, k and v, and gate and up; it keeps them fused in GGUF.
constexpr TensorRule kPhi3Blocks[] = {
    {"model.layers.#.self_attn.qkv_proj", "", "blk.#.attn_qkv",    kRows,    kPlain},
    {"model.layers.#.self_attn.o_proj",   "", "blk.#.attn_output", kColumns, kPlain},
    {"model.layers.#.mlp.gate_up_proj",   "", "blk.#.ffn_up",      kRows,    kPlain},
    {"model.layers.#.mlp.down_proj",      "", "blk.#.ffn_down",    kColumns, kPlain},
};
// clang-format on

constexpr RuleSet kEndsSet = {"ends", kEnds};
constexpr RuleSet kAttentionSet = {"attention", kAttention};
constexpr RuleSet kFeedForwardSet = {"feed-forward", kFeedForward};
constexpr RuleSet kNormsSet = {"norms", kNorms};
constexpr RuleSet kHeadNormsSet = {"q/k norms", kHeadNorms};
constexpr RuleSet kMixtralSet = {"Mixtral's experts", kMixtral};
constexpr RuleSet kQwenExpertsSet = {"Qwen's experts", kQwenExperts};
constexpr RuleSet kQwenSharedSet = {"Qwen's shared expert", kQwenSharedExpert};
constexpr RuleSet kGemma2NormsSet = {"Gemma 2's norms", kGemma2Norms};
constexpr RuleSet kOlmo2NormsSet = {"OLMo 2's norms", kOlmo2Norms};
constexpr RuleSet kPhi3Set = {"Phi-3's blocks", kPhi3Blocks};

constexpr RuleSet kLlamaRules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kNormsSet,
                                   kMixtralSet};
constexpr RuleSet kQwen2Rules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kNormsSet};
constexpr RuleSet kQwen2MoeRules[] = {kEndsSet,  kAttentionSet,   kFeedForwardSet,
                                      kNormsSet, kQwenExpertsSet, kQwenSharedSet};
constexpr RuleSet kQwen3Rules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kNormsSet,
                                   kHeadNormsSet};
constexpr RuleSet kQwen3MoeRules[] = {kEndsSet,  kAttentionSet, kFeedForwardSet,
                                      kNormsSet, kHeadNormsSet, kQwenExpertsSet};
constexpr RuleSet kGemma2Rules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kGemma2NormsSet};
constexpr RuleSet kGemma3Rules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kGemma2NormsSet,
                                    kHeadNormsSet};
constexpr RuleSet kPhi3Rules[] = {kEndsSet, kPhi3Set, kNormsSet};
constexpr RuleSet kOlmo2Rules[] = {kEndsSet, kAttentionSet, kFeedForwardSet, kHeadNormsSet,
                                   kOlmo2NormsSet};

constexpr std::string_view kLlamaTypes[] = {"llama", "mistral", "mixtral"};
constexpr std::string_view kQwen2Types[] = {"qwen2"};
constexpr std::string_view kQwen2MoeTypes[] = {"qwen2_moe"};
constexpr std::string_view kQwen3Types[] = {"qwen3"};
constexpr std::string_view kQwen3MoeTypes[] = {"qwen3_moe"};
constexpr std::string_view kGemmaTypes[] = {"gemma"};
constexpr std::string_view kGemma2Types[] = {"gemma2"};
constexpr std::string_view kGemma3Types[] = {"gemma3", "gemma3_text"};
constexpr std::string_view kPhi3Types[] = {"phi3"};
constexpr std::string_view kSmolLm3Types[] = {"smollm3"};
constexpr std::string_view kGraniteTypes[] = {"granite"};
constexpr std::string_view kOlmo2Types[] = {"olmo2"};

// clang-format off
constexpr Architecture kArchitectures[] = {
    // name,      config.json,    GGUF,       interleaved, 1 + w, rule sets
    {"llama",     kLlamaTypes,    "llama",    true,  false, kLlamaRules},
    {"qwen2",     kQwen2Types,    "qwen2",    false, false, kQwen2Rules},
    {"qwen2_moe", kQwen2MoeTypes, "qwen2moe", false, false, kQwen2MoeRules},
    {"qwen3",     kQwen3Types,    "qwen3",    false, false, kQwen3Rules},
    {"qwen3_moe", kQwen3MoeTypes, "qwen3moe", false, false, kQwen3MoeRules},
    {"gemma",     kGemmaTypes,    "gemma",    false, true,  kQwen2Rules},
    {"gemma2",    kGemma2Types,   "gemma2",   false, true,  kGemma2Rules},
    {"gemma3",    kGemma3Types,   "gemma3",   false, true,  kGemma3Rules},
    {"phi3",      kPhi3Types,     "phi3",     false, false, kPhi3Rules},
    {"smollm3",   kSmolLm3Types,  "smollm3",  true,  false, kQwen2Rules},
    {"granite",   kGraniteTypes,  "granite",  true,  false, kQwen2Rules},
    {"olmo2",     kOlmo2Types,    "olmo2",    false, false, kOlmo2Rules},
};
// clang-format on

using RuleIndex = std::unordered_map<std::string_view, const TensorRule*>;

// Template -> rule. The first of two equal templates wins; they agree but for other schemes' names.
RuleIndex IndexRules(NameScheme scheme, const Architecture* only) {
  RuleIndex index;
  for (const Architecture& architecture : kArchitectures) {
    if (only != nullptr && only != &architecture) continue;
    for (const RuleSet& set : architecture.rule_sets) {
      for (const TensorRule& rule : set.rules) {
        if (!rule.Name(scheme).empty()) index.emplace(rule.Name(scheme), &rule);
      }
    }
  }
  return index;
}

const RuleIndex& IndexFor(NameScheme scheme, const Architecture* architecture) {
  // One index for each row and scheme, and one for all rows together.
  static const auto indexes = [] {
    std::array<std::array<RuleIndex, std::size(kArchitectures) + 1>, std::size(kNameSchemes)> all;
    for (const NameScheme s : kNameSchemes) {
      for (std::size_t i = 0; i <= std::size(kArchitectures); ++i) {
        all[static_cast<std::size_t>(s)][i] =
            IndexRules(s, i < std::size(kArchitectures) ? &kArchitectures[i] : nullptr);
      }
    }
    return all;
  }();
  const std::size_t row = architecture == nullptr
                              ? std::size(kArchitectures)
                              : static_cast<std::size_t>(architecture - kArchitectures);
  HM_CHECK(row <= std::size(kArchitectures));
  return indexes[static_cast<std::size_t>(scheme)][row];
}

}  // namespace

std::string_view NameSchemeName(NameScheme scheme) {
  switch (scheme) {
    case NameScheme::kMeta:
      return "meta";
    case NameScheme::kHuggingFace:
      return "huggingface";
    case NameScheme::kGguf:
      return "gguf";
  }
  return "";
}

std::string_view TensorRule::Name(NameScheme scheme) const {
  switch (scheme) {
    case NameScheme::kMeta:
      return meta;
    case NameScheme::kHuggingFace:
      return canonical;
    case NameScheme::kGguf:
      return gguf;
  }
  return "";
}

std::span<const Architecture> AllArchitectures() { return kArchitectures; }

const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.gguf == name) return &architecture;
    for (const std::string_view type : architecture.model_types) {
      if (type == name) return &architecture;
    }
  }
  return nullptr;
}

bool IsNumberComponent(std::string_view component) {
  if (component.empty() || component.size() > 9) return false;
  if (component.size() > 1 && component[0] == '0') return false;
  for (const char c : component) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

std::string NameMatch::CanonicalName(std::optional<std::uint64_t> expert_number) const {
  std::string name;
  bool first = true;
  for (const char c : rule->canonical) {
    if (c != '#') {
      name += c;
      continue;
    }
    if (first) {
      name += layer;
    } else {
      name += expert_number ? std::to_string(*expert_number) : expert;
    }
    first = false;
  }
  name += '.';
  name += suffix;
  return name;
}

std::optional<NameMatch> MatchName(NameScheme scheme, const Architecture* architecture,
                                   std::string_view stored_name) {
  const std::size_t dot = stored_name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  NameMatch match{};
  match.suffix = stored_name.substr(dot + 1);
  if (match.suffix != "weight" && match.suffix != "bias") return std::nullopt;

  std::string_view rest = stored_name.substr(0, dot);
  // The longest template is far shorter; hostile names are long.
  if (rest.size() > 120 || rest.find('#') != std::string_view::npos) return std::nullopt;
  std::string key;
  int numbers = 0;
  while (true) {
    const std::size_t end = rest.find('.');
    const std::string_view component = rest.substr(0, end);
    if (IsNumberComponent(component)) {
      if (numbers == 2) return std::nullopt;
      (numbers++ == 0 ? match.layer : match.expert) = component;
      key += '#';
    } else {
      key += component;
    }
    if (end == std::string_view::npos) break;
    key += '.';
    rest.remove_prefix(end + 1);
  }

  const RuleIndex& index = IndexFor(scheme, architecture);
  const auto found = index.find(key);
  if (found == index.end()) return std::nullopt;
  match.rule = found->second;
  int canonical_numbers = 0;
  for (const char c : match.rule->canonical) canonical_numbers += c == '#';
  match.stacks_experts = numbers < canonical_numbers;
  return match;
}

bool HasRule(NameScheme scheme, const Architecture& architecture, const TensorRule& rule) {
  return IndexFor(scheme, &architecture).contains(rule.Name(scheme));
}

}  // namespace hallmark
