#include "src/model/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "src/model/rope.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string Canonical(NameScheme scheme, std::string_view architecture, std::string_view name) {
  const Architecture* row = architecture.empty() ? nullptr : FindArchitecture(architecture);
  const auto match = MatchName(scheme, row, name);
  return match ? match->CanonicalName() : "";
}

TEST(MatchName, KnowsTheNamesOfEachScheme) {
  EXPECT_EQ(Canonical(NameScheme::kMeta, "", "tok_embeddings.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(Canonical(NameScheme::kMeta, "", "layers.31.attention.wq.weight"),
            "model.layers.31.self_attn.q_proj.weight");
  EXPECT_EQ(Canonical(NameScheme::kMeta, "", "layers.0.feed_forward.w2.weight"),
            "model.layers.0.mlp.down_proj.weight");
  EXPECT_EQ(Canonical(NameScheme::kMeta, "", "layers.3.feed_forward.experts.7.w3.weight"),
            "model.layers.3.block_sparse_moe.experts.7.w3.weight");
  EXPECT_EQ(Canonical(NameScheme::kGguf, "llama", "blk.2.attn_k.bias"),
            "model.layers.2.self_attn.k_proj.bias");
  EXPECT_EQ(Canonical(NameScheme::kHuggingFace, "", "model.layers.5.self_attn.q_norm.weight"),
            "model.layers.5.self_attn.q_norm.weight");
}

TEST(MatchName, TellsWhatAGgufNameMeansByTheArchitecture) {
  EXPECT_EQ(Canonical(NameScheme::kGguf, "llama", "blk.1.ffn_norm.weight"),
            "model.layers.1.post_attention_layernorm.weight");
  EXPECT_EQ(Canonical(NameScheme::kGguf, "gemma2", "blk.1.ffn_norm.weight"),
            "model.layers.1.pre_feedforward_layernorm.weight");
  EXPECT_EQ(Canonical(NameScheme::kGguf, "llama", "blk.1.ffn_up.weight"),
            "model.layers.1.mlp.up_proj.weight");
  EXPECT_EQ(Canonical(NameScheme::kGguf, "phi3", "blk.1.ffn_up.weight"),
            "model.layers.1.mlp.gate_up_proj.weight");
  EXPECT_EQ(Canonical(NameScheme::kGguf, "llama", "blk.1.attn_q_norm.weight"), "");
}

TEST(MatchName, SeesStacksOfExperts) {
  const auto stack =
      MatchName(NameScheme::kGguf, FindArchitecture("qwen3moe"), "blk.4.ffn_down_exps.weight");
  ASSERT_TRUE(stack);
  EXPECT_TRUE(stack->stacks_experts);
  EXPECT_EQ(stack->CanonicalName(12), "model.layers.4.mlp.experts.12.down_proj.weight");

  const auto single =
      MatchName(NameScheme::kGguf, FindArchitecture("llama"), "blk.4.ffn_down.3.weight");
  ASSERT_TRUE(single);
  EXPECT_FALSE(single->stacks_experts);
  EXPECT_EQ(single->CanonicalName(), "model.layers.4.block_sparse_moe.experts.3.w2.weight");
}

TEST(MatchName, RefusesWhatIsOnlySimilar) {
  for (const std::string_view name :
       {"", ".", "weight", "norm", "norm.scale", "layers.00.attention.wq.weight",
        "layers.1.attention.wq.weight.weight", "layers.#.attention.wq.weight",
        "layers.attention.wq.weight", "layers.1.2.attention.wq.weight",
        "layers.1234567890.attention.wq.weight", "layers.-1.attention.wq.weight",
        "model.layers.1.attention.wq.weight", "layers.1.attention.wq.weight ",
        "layers.1.attention.wq.lora_A.weight", "norm..weight"}) {
    EXPECT_FALSE(MatchName(NameScheme::kMeta, nullptr, name)) << name;
  }
  EXPECT_FALSE(MatchName(NameScheme::kMeta, nullptr, std::string(100000, '.') + "weight"));
}

// What a name means must not hang on the row where it need not: Hugging Face and Meta names are
// understood without a configuration.
TEST(Rules, AgreeBetweenRowsInMetaAndHuggingFaceNames) {
  for (const NameScheme scheme : {NameScheme::kMeta, NameScheme::kHuggingFace}) {
    for (const Architecture& row : AllArchitectures()) {
      for (const RuleSet& set : row.rule_sets) {
        for (const TensorRule& rule : set.rules) {
          if (rule.Name(scheme).empty()) continue;
          std::string name(rule.Name(scheme));
          while (name.find('#') != std::string::npos) name.replace(name.find('#'), 1, "7");
          const std::string stored = name + ".weight";
          const auto match = MatchName(scheme, nullptr, stored);
          ASSERT_TRUE(match) << name;
          EXPECT_EQ(match->rule->canonical, rule.canonical) << name;
          EXPECT_EQ(match->rule->role, rule.role) << name;
          if (scheme == NameScheme::kMeta) {
            EXPECT_EQ(match->rule->axis, rule.axis) << name;
          }
          EXPECT_FALSE(match->stacks_experts);
        }
      }
    }
  }
}

TEST(Rules, AreUnambiguousWithinARow) {
  for (const Architecture& row : AllArchitectures()) {
    std::set<std::string_view> seen;
    for (const RuleSet& set : row.rule_sets) {
      for (const TensorRule& rule : set.rules) {
        if (rule.gguf.empty()) continue;
        EXPECT_TRUE(seen.insert(rule.gguf).second) << rule.gguf;
      }
    }
  }
}

std::string Quoted(std::string_view name) {
  return name.empty() ? "" : "`" + std::string(name) + "`";
}

// The tables of docs/tensor-names.md as the data has them.
std::string RenderTables() {
  std::string text =
      "| row | model_type | general.architecture | q/k rows in GGUF | norms in GGUF | tensors |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  std::vector<const RuleSet*> sets;
  for (const Architecture& row : AllArchitectures()) {
    std::string types, names;
    for (const std::string_view type : row.model_types) {
      types += (types.empty() ? "" : ", ") + Quoted(type);
    }
    for (const RuleSet& set : row.rule_sets) {
      names += (names.empty() ? "" : ", ") + std::string(set.name);
      if (std::ranges::find(sets, set.name, &RuleSet::name) == sets.end()) sets.push_back(&set);
    }
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", row.name, types, Quoted(row.gguf),
                        row.gguf_interleaved ? "interleaved" : "half-split",
                        row.gguf_norms_plus_one ? "1 + w" : "w", names);
  }
  constexpr std::string_view kAxes[] = {"replicated", "0", "1", "0 or 1"};
  text += "\n## Tensors\n";
  for (const RuleSet* set : sets) {
    text += fmt::format(
        "\n### {}\n\n| canonical | Meta | GGUF | joined on |\n"
        "| --- | --- | --- | --- |\n",
        set->name);
    for (const TensorRule& rule : set->rules) {
      text += fmt::format("| {} | {} | {} | {} |\n", Quoted(rule.canonical), Quoted(rule.meta),
                          Quoted(rule.gguf),
                          rule.meta.empty() ? "" : kAxes[static_cast<std::size_t>(rule.axis)]);
    }
  }
  return text;
}

TEST(Documentation, ShowsTheTables) {
  const std::string page = ReadFixture("../../../docs/tensor-names.md");
  EXPECT_THAT(page, testing::HasSubstr(RenderTables()));
}

TEST(FindArchitecture, GoesByModelTypeAndByGgufName) {
  EXPECT_EQ(FindArchitecture("mistral")->name, "llama");
  EXPECT_EQ(FindArchitecture("qwen2moe"), FindArchitecture("qwen2_moe"));
  EXPECT_EQ(FindArchitecture("gemma3_text")->name, "gemma3");
  EXPECT_EQ(FindArchitecture("cohere"), nullptr);
  EXPECT_EQ(FindArchitecture(""), nullptr);
}

// What llama.cpp's converter computes with torch for Llama 3.1 (head dimension 128, theta 500000).
TEST(Rope, KnowsTheFactorsOfLlama3) {
  const auto factors = Llama3RopeFactors(64, 500000, 8, 1, 4, 8192);
  EXPECT_EQ(factors[0], 1);
  EXPECT_EQ(factors[28], 1);
  EXPECT_NEAR(factors[29], 1.2074839, 5e-7);
  EXPECT_NEAR(factors[32], 2.69453, 1e-6);
  EXPECT_NEAR(factors[34], 5.257327, 3e-6);
  EXPECT_EQ(factors[35], 8);
  EXPECT_EQ(factors[63], 8);

  std::vector<float> stored(factors.begin(), factors.end());
  ModelConfig config;
  config.rope_theta = 500000;
  EXPECT_TRUE(IsLlama3RopeFactors(stored, config));
  stored[29] = std::nextafter(stored[29], 2.0f);
  EXPECT_TRUE(IsLlama3RopeFactors(stored, config));
  stored[63] = 9;
  EXPECT_FALSE(IsLlama3RopeFactors(stored, config));
  stored[63] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(IsLlama3RopeFactors(stored, config));
  EXPECT_FALSE(IsLlama3RopeFactors({}, config));
}

TEST(Rope, TakesTheFactorOfTheConfigurationAlone) {
  ModelConfig config;
  config.rope_theta = 500000;
  config.rope.type = "llama3";
  config.rope.factor = 16;
  const auto as_floats = [](const std::vector<double>& v) {
    return std::vector<float>(v.begin(), v.end());
  };
  EXPECT_TRUE(
      IsLlama3RopeFactors(as_floats(Llama3RopeFactors(32, 500000, 16, 1, 4, 8192)), config));
  EXPECT_FALSE(
      IsLlama3RopeFactors(as_floats(Llama3RopeFactors(32, 500000, 8, 1, 4, 8192)), config));
}

}  // namespace
}  // namespace hallmark
