#include "tests/support/diff_sample.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

namespace hallmark {
namespace {

// The same numbers on every machine.
class Random {
 public:
  double Next() {  // 0 to 1
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }

 private:
  std::uint64_t state_ = 42;
};

// What two tensors of `values` normal numbers around 0.02 look like, b off by `norm` of a.
ValueComparison Comparison(std::uint64_t values, double norm, double share) {
  ValueComparison comparison;
  comparison.values = values;
  comparison.squares_a = static_cast<double>(values) * 0.0004;
  if (norm == 0) {
    comparison.squares_b = comparison.products = comparison.squares_a;
    return comparison;
  }
  comparison.differing =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share * static_cast<double>(values)));
  comparison.squares_of_difference = norm * norm * comparison.squares_a;
  comparison.squares_b = comparison.squares_a * (1 + norm * norm);
  comparison.products = comparison.squares_a;
  comparison.max_abs = norm * 0.02 * 5;
  comparison.max_abs_at = values / 3;
  comparison.max_relative = std::min(2.0, norm * 400);
  comparison.max_relative_at = values / 2;
  comparison.first_differing = 17;
  comparison.last_differing = values - 1;
  comparison.sign_flips =
      static_cast<std::uint64_t>(norm * 0.2 * static_cast<double>(comparison.differing));
  return comparison;
}

UlpHistogram Steps(const ValueComparison& values, double norm) {
  UlpHistogram steps;
  steps.bins[0] = values.values - values.differing;
  const double middle = std::max(1.0, 12 + 2 * std::log2(norm));
  double whole = 0;
  for (std::size_t i = 1; i < 20; ++i) {
    whole += std::exp(-std::pow(static_cast<double>(i) - middle, 2) / 6);
  }
  for (std::size_t i = 1; i < 20; ++i) {
    const double part = std::exp(-std::pow(static_cast<double>(i) - middle, 2) / 6) / whole;
    steps.bins[i] = static_cast<std::uint64_t>(part * static_cast<double>(values.differing));
  }
  return steps;
}

TensorDiff Pair(std::string group, const std::string& kind, Shape shape, double norm) {
  TensorDiff tensor;
  const std::string name = group == "globals" ? kind : group + "." + kind;
  tensor.a = TensorDiff::Side{name, name, Dtype::kBf16, shape};
  tensor.b = tensor.a;
  std::uint64_t values = 1;
  for (const std::uint64_t extent : shape) values *= extent;
  tensor.values = Comparison(values, norm, 0.8);
  tensor.state = norm == 0 ? TensorState::kEqual : TensorState::kDifferent;
  tensor.group = std::move(group);
  return tensor;
}

// Adds up what tensors say, group by group; tensors stand by group.
void SumUp(DiffReport* report) {
  for (const TensorDiff& tensor : report->tensors) {
    if (report->groups.empty() || report->groups.back().key != tensor.group) {
      report->groups.push_back({.key = tensor.group});
    }
    GroupDiff& group = report->groups.back();
    ++group.tensors;
    const bool equal = tensor.state == TensorState::kEqual || tensor.state == TensorState::kRelated;
    group.equal += equal;
    group.different += !equal && tensor.state != TensorState::kNotCompared;
    if (tensor.values) group.values.Append(*tensor.values);
    for (const auto& [side, there] :
         {std::pair(&report->a, &tensor.a), std::pair(&report->b, &tensor.b)}) {
      if (!*there) continue;
      std::uint64_t values = 1;
      for (const std::uint64_t extent : (*there)->shape) values *= extent;
      ++side->tensors;
      side->parameters += values;
      side->bytes_read += 2 * values;
    }
  }
}

}  // namespace

DiffReport SampleDiff() {
  DiffReport report;
  Random random;
  report.verdict = DiffVerdict::kDifferent;
  report.summary =
      "173 of 293 tensors differ, most of them in layers 8 to 31; 5 fields that have a meaning do "
      "too";
  report.hint = "--explain looks for what was done to it";
  report.a.name = "models/llama-2-7b";
  report.a.format = "safetensors, 2 shards";
  report.a.architecture = "llama";
  report.a.identity = "hm1:6a1d2c58f1f2b1b2b7d64ad0d9bbf8a6c4f7d7f9b3b4e5a1c0e9d8f7a6b5c4d3";
  report.b.name = "models/llama-2-7b-tuned.gguf";
  report.b.format = "GGUF v3, alignment 32";
  report.b.architecture = "llama";

  report.tensors.push_back(Pair("globals", "lm_head.weight", {32064, 4096}, 0.0021));
  report.tensors.back().a->shape = {32000, 4096};
  report.tensors.back().relations = {"rows 32000 to 32063 only in B, all zero"};
  report.tensors.push_back(Pair("globals", "model.embed_tokens.weight", {32000, 4096}, 0));
  report.tensors.back().state = TensorState::kRelated;
  report.tensors.back().relations = {"cast from bf16 to f16",
                                     "rows 32000 to 32063 only in B, all zero"};
  report.tensors.push_back(Pair("globals", "model.norm.weight", {4096}, 0));
  struct Kind {
    const char* name;
    Shape shape;
    double moved;
  };
  const Kind kinds[] = {
      {"input_layernorm.weight", {4096}, 0},
      {"mlp.down_proj.weight", {4096, 11008}, 0.02},
      {"mlp.gate_proj.weight", {11008, 4096}, 0.015},
      {"mlp.up_proj.weight", {11008, 4096}, 0.012},
      {"post_attention_layernorm.weight", {4096}, 0},
      {"self_attn.k_proj.weight", {4096, 4096}, 0.005},
      {"self_attn.o_proj.weight", {4096, 4096}, 0.03},
      {"self_attn.q_proj.weight", {4096, 4096}, 0.004},
      {"self_attn.v_proj.weight", {4096, 4096}, 0.04},
  };
  for (int layer = 0; layer < 32; ++layer) {
    for (const Kind& kind : kinds) {
      const double grown = layer < 8 ? 0 : kind.moved * std::pow(10.0, (layer - 24) / 10.0);
      TensorDiff tensor = Pair(fmt::format("model.layers.{}", layer), kind.name, kind.shape,
                               grown * (0.6 + random.Next()));
      tensor.b->stored_name = fmt::format("blk.{}.{}", layer, "ffn_down.weight");
      if (tensor.state == TensorState::kDifferent) {
        tensor.ulps = Steps(*tensor.values, grown);
        tensor.ulp_unit = Dtype::kBf16;
      } else if (tensor.a->shape.size() == 1) {
        tensor.state = TensorState::kRelated;
        tensor.b->dtype = Dtype::kF32;
        tensor.relations = {"cast from bf16 to f32"};
      }
      report.tensors.push_back(std::move(tensor));
    }
    if (layer == 12) {
      TensorDiff extra = Pair("model.layers.12", "self_attn.rotary_emb.inv_freq", {64}, 0);
      extra.state = TensorState::kOnlyInA;
      extra.values.reset();
      extra.b.reset();
      report.tensors.push_back(extra);
    }
    if (layer == 20) {
      TensorDiff extra = Pair("model.layers.20", "self_attn.rotary_emb.inv_freq", {64}, 0);
      extra.state = TensorState::kOnlyInB;
      extra.values.reset();
      extra.a.reset();
      report.tensors.push_back(extra);
    }
  }
  // One with NaN, one quantised, one by digest alone, one that was not compared.
  const auto at = [&](int layer, int kind) -> TensorDiff& {
    return report.tensors[static_cast<std::size_t>(3 + layer * 9 + kind)];
  };
  ValueComparison& broken = *at(10, 2).values;
  broken.nan_b = 3;
  broken.infinite_b = 1;
  broken.not_finite = 4;
  at(5, 3).state = TensorState::kDifferent;
  at(5, 3).b->dtype = Dtype::kQ8_0;
  at(5, 3).relations = {"quantised from bf16 to q8_0"};
  at(5, 3).values = Comparison(std::uint64_t{11008} * 4096, 0.0043, 0.99);
  at(5, 3).rounding = BlockRounding{
      .type = Dtype::kQ8_0, .blocks = 1409024, .within = 1409020, .worst_steps = 0.508};
  at(6, 6).state = TensorState::kDifferent;
  at(6, 6).values.reset();
  at(6, 6).reason = "A is a manifest: digests only";
  at(7, 6).state = TensorState::kNotCompared;
  at(7, 6).values.reset();
  at(7, 6).reason = "B stores it as iq1_m, which is not read";
  SumUp(&report);

  report.fields_compared = 143;
  report.fields = {
      {"configuration", "rope_theta", "10000", "500000", true},
      {"configuration", "vocab_size", "32000", "32064", true},
      {"tokenizer", "vocab 32000", "", "\"<|im_start|>\"", true},
      {"tokenizer", "vocab 32001", "", "\"<|im_end|>\"", true},
      {"chat template", "chat_template", "",
       "\"{% for message in messages %}{{ '<|im_start|>' + message['role'] }}{% endfor %}\"", true},
      {"metadata", "general.name", "\"llama-2-7b\"", "\"my tuned model\"", false},
  };
  report.fields_not_compared = {"B has no generation configuration"};
  report.explanations = {
      {Explanation::Kind::kFineTune,
       "",
       "layers 8 to 31 moved a little, later ones more",
       {{"layers", 24}, {"energy_share", 0.981}}},
      {Explanation::Kind::kVocabulary,
       "lm_head.weight",
       "64 rows were added at the end, all zero",
       {{"rows", 64}}},
  };
  report.findings = {
      {Severity::kNote, "padding", "models/llama-2-7b-tuned.gguf",
       "12 bytes of padding are not zero", 4096},
      {Severity::kWarning, "nan-values", "model.layers.10.mlp.gate_proj.weight",
       "B holds NaN where A holds numbers"},
  };
  report.b.left_out = {{"rope_freqs.weight", "derived: made again from rope_theta"}};
  return report;
}

DiffReport LargeDiff(std::size_t layers) {
  DiffReport report;
  Random random;
  report.verdict = DiffVerdict::kDifferent;
  report.summary = "very many tensors differ";
  report.a.name = "a";
  report.b.name = "b";
  for (const char* name : {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"}) {
    report.tensors.push_back(Pair("globals", name, {128256, 16384}, 0));
  }
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const std::string group = fmt::format("model.layers.{}", layer);
    for (std::size_t i = 0; i < 79; ++i) {
      const std::string kind = i < 72 ? fmt::format("mlp.experts.{}.{}.weight", i / 3,
                                                    i % 3 == 0   ? "down_proj"
                                                    : i % 3 == 1 ? "gate_proj"
                                                                 : "up_proj")
                                      : fmt::format("self_attn.part_{}.weight", i - 72);
      const double chance = random.Next();
      const double norm = chance < 0.3 ? 0 : std::pow(10, -6.5 + 7 * random.Next());
      report.tensors.push_back(Pair(group, kind, {4096, 4096}, norm));
      if (chance > 0.99) {
        report.tensors.back().state = TensorState::kNotCompared;
        report.tensors.back().values.reset();
        report.tensors.back().reason = "not asked for";
      }
    }
  }
  SumUp(&report);
  return report;
}

DiffReport HostileDiff() {
  DiffReport report;
  const std::string attack =
      "</script><script>document.title='owned'</script><img src=x "
      "onerror=\"document.title='owned'\">";
  report.verdict = DiffVerdict::kInconclusive;
  report.summary = attack;
  report.hint = "<!--<script>" + attack;
  report.a.name = attack;
  report.b.name = "\"'><svg onload=document.title='owned'>&amp;";
  report.a.format = report.b.architecture = report.a.identity = attack;
  const std::string names[] = {
      attack,
      "<!--<script>",
      "]]>*/--></style><style>body{display:none}",
      "javascript:document.title='owned'",
      "\"' onfocus=document.title='owned' autofocus x='",
      "line\nfeed\ttab\r\x1b[31mred\x07 nul" + std::string(1, '\0') + "after",
      "bidi \xE2\x80\xAEgpj.exe\xE2\x80\xAC \xE2\x81\xA6isolate \xE2\x80\x8Fmark",
      "hebrew \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D. weight",
      "separators \xE2\x80\xA8 and \xE2\x80\xA9 end",
      "not utf-8 \xC0\xAF \xFF\xFE \xED\xA0\x80",
      "back\\slash \\u003c &lt; &#x3c; %3Cscript%3E ${1+1} {{7*7}}",
      std::string(65536, 'n') + "</script>",
      "zalgo z\xCC\xA1\xCC\xA2\xCD\x9C\xCD\x9D\xCC\xB5\xCC\xB6 __proto__ constructor",
      "__proto__",
      "",
  };
  double norm = 1e-7;
  for (const std::string& name : names) {
    TensorDiff tensor = Pair("globals", name, {3, 5}, norm);
    tensor.relations = {"moved from " + attack};
    tensor.reason = attack;
    tensor.a->stored_name = attack + "stored";
    report.tensors.push_back(tensor);
    norm *= 10;
  }
  // A key that is a layer's, but for what stands before the number.
  for (const int layer : {0, 1}) {
    const std::string group = fmt::format("{}.{}", attack, layer);
    report.tensors.push_back(Pair(group, attack, {1}, 0.5));
    report.tensors.push_back(Pair(group, std::string(65536, 'k'), {1}, 0));
  }
  report.tensors[0].values->squares_of_difference = std::numeric_limits<double>::infinity();
  report.tensors[1].values->squares_a = 0;  // the relative norm is infinite
  report.tensors[2].values->max_abs = std::numeric_limits<double>::quiet_NaN();
  report.tensors[3].values->not_finite = report.tensors[3].values->values;
  SumUp(&report);
  report.fields = {{attack, attack, attack, std::string(100000, '"'), true}};
  report.fields_not_compared = {attack};
  report.explanations = {{Explanation::Kind::kDamage,
                          attack,
                          attack,
                          {{attack, std::numeric_limits<double>::quiet_NaN()}}}};
  report.findings = {{Severity::kDanger, attack, attack, attack, 7}};
  report.a.left_out = {{attack, attack}};
  return report;
}

}  // namespace hallmark
