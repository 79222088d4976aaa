#include "transform/meta_params.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "transform/python_json.h"

namespace hallmark {
namespace {

struct FfnRule {
  std::uint64_t multiple_of;
  std::optional<double> multiplier;
};

// Releases whose numbers are not the first that fit: Llama 2 and 3's 70B, Llama 3's 8B, 405B, 1B
// and 3B.
struct KnownFfn {
  std::uint64_t dim, ffn;
  FfnRule rule;
};
constexpr KnownFfn kKnownFfn[] = {
    {8192, 28672, {4096, 1.3}}, {4096, 14336, {1024, 1.3}}, {16384, 53248, {4096, 1.2}},
    {2048, 8192, {256, 1.5}},   {3072, 8192, {256, 1.0}},
};

bool Gives(const FfnRule& rule, std::uint64_t dim, std::uint64_t ffn) {
  return MetaFfnSize(dim, rule.multiple_of, rule.multiplier.value_or(1)) == ffn;
}

// nullopt: nothing gives `ffn`, which is so only where a size is 0.
std::optional<FfnRule> FindFfnRule(std::uint64_t dim, std::uint64_t ffn) {
  for (const KnownFfn& known : kKnownFfn) {
    if (known.dim == dim && known.ffn == ffn) return known.rule;
  }
  for (const std::uint64_t multiple : {256, 4096, 2048, 1024, 512, 128, 64, 32, 16, 8, 4, 2, 1}) {
    if (const FfnRule rule{multiple, std::nullopt}; Gives(rule, dim, ffn)) return rule;
  }
  double multiplier = static_cast<double>(ffn) / static_cast<double>(8 * dim / 3);
  if (!std::isfinite(multiplier)) return std::nullopt;
  // Meta's code cuts the product, which may have come out below.
  if (!Gives({1, multiplier}, dim, ffn)) multiplier = std::nextafter(multiplier, HUGE_VAL);
  const FfnRule rule{1, multiplier};
  return Gives(rule, dim, ffn) ? std::optional(rule) : std::nullopt;
}

Error Unsupported(const HubValues& config, std::string message) {
  Error error{Errc::kUnsupported, config.Subject(), std::move(message)};
  error.hint = "params.json and Meta's code know plain LLaMA models only";
  return error;
}

// Meta's code has its factors for scaled rotary frequencies built in, but for releases that say
// them.
Result<void> SetRope(const HubValues& config, PythonObject& params,
                     std::vector<std::string>& lost) {
  const RopeKind& rope = *HM_TRY(config.Rope());
  if (rope.name == "default") return {};
  if (rope.name != "llama3") {
    return Unsupported(config, fmt::format("rotary scaling of type {}", rope.name));
  }
  const auto factor = HM_TRY(config.RopeNumber("factor"));
  const auto low = HM_TRY(config.RopeNumber("low_freq_factor"));
  const auto high = HM_TRY(config.RopeNumber("high_freq_factor"));
  const auto context = HM_TRY(config.Number("original_max_position_embeddings"));
  if (low != 1.0 || high != 4.0 || context != 8192.0 || !factor) {
    return Unsupported(config, "llama3's scaling with other numbers than 1, 4 and 8192");
  }
  params.SetBool("use_scaled_rope", true);
  if (*factor != 8) {
    lost.push_back(fmt::format(
        "the factor {} of scaled rotary frequencies: Meta's first code takes 8", *factor));
  }
  return {};
}

}  // namespace

std::uint64_t MetaFfnSize(std::uint64_t dim, std::uint64_t multiple_of, double multiplier) {
  const double scaled = multiplier * static_cast<double>(8 * dim / 3);
  if (!(scaled >= 0 && scaled < 0x1p53)) return 0;
  const auto size = static_cast<std::uint64_t>(scaled);
  return multiple_of * (size / multiple_of + (size % multiple_of != 0));
}

Result<MetaParams> MetaParamsFromHub(const JsonDocument& hub_config, const TensorFacts& tensors) {
  const HubValues config = HM_TRY(HubValues::Read(hub_config));
  HM_TRY(CheckTensorFacts(config, tensors));
  const std::string_view type = config.Family().model_type;
  if (type != "llama" && type != "mistral") {
    return Unsupported(config, fmt::format("a model of type {}", type));
  }
  if (tensors.has_query_bias || tensors.has_output_bias || tensors.has_ffn_bias) {
    return Unsupported(config, "layers with biases");
  }
  const std::uint64_t dim = HM_TRY(config.RequiredInteger("hidden_size"));
  const std::uint64_t heads = HM_TRY(config.Heads());
  const std::uint64_t head_dim = HM_TRY(config.HeadDim());
  const std::uint64_t kv_heads = HM_TRY(config.RequiredInteger("num_key_value_heads"));
  const std::uint64_t ffn = HM_TRY(config.RequiredInteger("intermediate_size"));
  const double theta = HM_TRY(config.RequiredNumber("rope_theta"));
  if (head_dim * heads != dim) {
    return Unsupported(config, fmt::format("a head dimension of {} with {} heads in a width of {}",
                                           head_dim, heads, dim));
  }
  const bool is_llama3 = theta == 500000;
  const auto rule = FindFfnRule(dim, ffn);
  if (!rule) {
    return Unsupported(
        config, fmt::format("no multiple_of and ffn_dim_multiplier give {} from {}", ffn, dim));
  }

  MetaParams result;
  PythonObject params;
  params.SetInteger("dim", dim);
  params.SetInteger("n_layers", HM_TRY(config.RequiredInteger("num_hidden_layers")));
  params.SetInteger("n_heads", heads);
  if (is_llama3 || kv_heads != heads) params.SetInteger("n_kv_heads", kv_heads);
  params.SetInteger("vocab_size", HM_TRY(config.RequiredInteger("vocab_size")));
  params.SetInteger("multiple_of", rule->multiple_of);
  if (rule->multiplier) {
    params.SetLiteral("ffn_dim_multiplier", PythonFloat(*rule->multiplier));
  }
  params.SetLiteral("norm_eps", PythonFloat(HM_TRY(config.RequiredNumber("rms_norm_eps"))));
  if (is_llama3 || theta != 10000) params.SetLiteral("rope_theta", PythonFloat(theta));
  HM_TRY(SetRope(config, params, result.lost));
  if (const auto window = config.Find("sliding_window"); window && window->AsU64()) {
    result.lost.push_back(fmt::format("sliding_window {}", *window->AsU64()));
  }
  result.text = params.OneLine();
  return result;
}

}  // namespace hallmark
