#include "transform/hub_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "src/base/text.h"
#include "src/model/rope.h"
#include "transform/config_families.h"
#include "transform/meta_params.h"
#include "transform/python_json.h"

namespace hallmark {
namespace {

// A configuration in the making.
struct Draft {
  std::string subject;
  PythonObject config;
  std::vector<std::string> notes;

  Error Malformed(std::string message) const {
    return Error{Errc::kMalformed, subject, std::move(message)};
  }
  Error Unsupported(std::string message) const {
    return Error{Errc::kUnsupported, subject, std::move(message)};
  }
};

Result<void> SetBiases(const ConfigFamily& family, const TensorFacts& tensors, Draft& draft) {
  const bool qkv = tensors.has_query_bias;
  const bool out = tensors.has_output_bias;
  const bool ffn = tensors.has_ffn_bias;
  const bool known = family.biases == Biases::kNone        ? !qkv && !out && !ffn
                     : family.biases == Biases::kQkv       ? qkv && !out && !ffn
                     : family.biases == Biases::kAttention ? qkv == out && !ffn
                                                           : qkv == out;
  if (!known) {
    const auto word = [](bool has) { return has ? "yes" : "no"; };
    return draft.Unsupported(fmt::format(
        "biases of q, k and v: {}, of o: {}, of the feed-forward block: {}, in a model of type {}",
        word(qkv), word(out), word(ffn), family.model_type));
  }
  if (family.biases == Biases::kAttention || family.biases == Biases::kAttentionFfn) {
    draft.config.SetBool("attention_bias", qkv);
  }
  if (family.biases == Biases::kAttentionFfn) draft.config.SetBool("mlp_bias", ffn);
  return {};
}

// What every source leaves to the family and the tensors; then holds all of it together.
Result<HubConfig> Finish(const ConfigFamily& family, const TensorFacts& tensors, Draft draft) {
  PythonObject& config = draft.config;
  config.SetText("model_type", family.model_type);
  const std::string class_name = fmt::format("\"{}\"", family.class_name);
  config.SetList("architectures", std::span(&class_name, 1));
  for (const HubConstant& constant : family.constants) {
    config.SetLiteral(constant.hub, std::string(constant.literal));
  }
  config.SetBool("tie_word_embeddings", !tensors.has_output);
  if (tensors.vocab_size != 0 && config.Find("vocab_size") == nullptr) {
    config.SetInteger("vocab_size", tensors.vocab_size);
  }
  if (tensors.dtype && !TorchDtype(*tensors.dtype).empty()) {
    config.SetText("torch_dtype", TorchDtype(*tensors.dtype));
  }
  HM_TRY(SetBiases(family, tensors, draft));

  std::string text = config.Indented() + "\n";
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, draft.subject));
  const HubValues values = HM_TRY(HubValues::Read(document));
  HM_TRY(values.Rope());
  HM_TRY(CheckTensorFacts(values, tensors));
  return HubConfig{std::move(text), std::move(draft.notes)};
}

// ---- GGUF ----

// GGUF's keys, and which of them were understood.
class GgufValues {
 public:
  GgufValues(std::span<const MetadataEntry> metadata, const Draft& draft)
      : metadata_(metadata), draft_(draft) {}

  const MetadataEntry* Find(std::string_view key) {
    const MetadataEntry* entry = FindMetadata(metadata_, key);
    if (entry != nullptr) understood_.insert(entry->key);
    return entry;
  }

  // nullopt: no such key. kMalformed: of another type.
  Result<std::optional<std::uint64_t>> Count(std::string_view key) {
    const MetadataEntry* entry = Find(key);
    if (entry == nullptr) return std::optional<std::uint64_t>();
    if (const auto* u = std::get_if<std::uint64_t>(&entry->value); u && *u <= UINT32_MAX) {
      return std::optional(*u);
    }
    if (const auto* i = std::get_if<std::int64_t>(&entry->value);
        i && *i >= 0 && *i <= std::int64_t{UINT32_MAX}) {
      return std::optional(static_cast<std::uint64_t>(*i));
    }
    if (std::holds_alternative<std::shared_ptr<const MetadataArray>>(entry->value)) {
      return draft_.Unsupported(
          fmt::format("{} differs from layer to layer", EscapeForPeople(key)));
    }
    return draft_.Malformed(fmt::format("{} is no whole number below 2^32", EscapeForPeople(key)));
  }

  // As Python spells it; f32 by its shortest digits.
  Result<std::optional<std::string>> Real(std::string_view key) {
    const MetadataEntry* entry = Find(key);
    if (entry == nullptr) return std::optional<std::string>();
    const auto* number = std::get_if<double>(&entry->value);
    if (number == nullptr || !std::isfinite(*number)) {
      return draft_.Malformed(fmt::format("{} is no finite number", EscapeForPeople(key)));
    }
    return std::optional(entry->type == MetadataType::kF64
                             ? PythonFloat(*number)
                             : PythonFloat(static_cast<float>(*number)));
  }

  Result<std::optional<std::string>> Literal(const ConfigKey& key, std::string_view name) {
    if (key.type == MetadataType::kF32) return Real(name);
    const auto count = HM_TRY(Count(name));
    return count ? std::optional(std::to_string(*count)) : std::nullopt;
  }

  std::optional<std::string> Text(std::string_view key) {
    const MetadataEntry* entry = Find(key);
    const auto* text = entry ? std::get_if<std::string>(&entry->value) : nullptr;
    return text ? std::optional(*text) : std::nullopt;
  }

  // Keys that begin with `prefix` and were not asked for, in file order.
  std::vector<std::string> Left(std::string_view prefix) const {
    std::vector<std::string> left;
    for (const MetadataEntry& entry : metadata_) {
      if (entry.key.starts_with(prefix) && !understood_.contains(entry.key)) {
        left.push_back(entry.key);
      }
    }
    return left;
  }

 private:
  std::span<const MetadataEntry> metadata_;
  const Draft& draft_;
  std::set<std::string_view> understood_;
};

// The family of a GGUF architecture. "llama" is several: with experts it is Mixtral; Mistral
// without its window computes what LLaMA does.
Result<const ConfigFamily*> FamilyOf(GgufValues& gguf, const Draft& draft) {
  const auto architecture = gguf.Text("general.architecture");
  if (!architecture) return draft.Malformed("general.architecture is missing");
  if (HM_TRY(gguf.Count(*architecture + ".expert_count")).value_or(0) > 0 &&
      *architecture == "llama") {
    return FindConfigFamily("mixtral");
  }
  for (const ConfigFamily& family : AllConfigFamilies()) {
    if (family.Gguf() == *architecture) return &family;
  }
  Error error = draft.Unsupported(
      fmt::format("the architecture {} is not known", EscapeForPeople(*architecture)));
  error.hint = "docs/conversion-config.md lists the families whose configuration is converted";
  return error;
}

std::uint64_t Integer(const PythonObject& config, std::string_view hub) {
  const std::string* literal = config.Find(hub);
  return literal ? std::strtoull(literal->c_str(), nullptr, 10) : 0;
}

// 0: it cannot be told.
std::uint64_t HeadDim(const PythonObject& config) {
  if (const std::uint64_t said = Integer(config, "head_dim"); said != 0) return said;
  const std::uint64_t heads = Integer(config, "num_attention_heads");
  return heads == 0 ? 0 : Integer(config, "hidden_size") / heads;
}

// What readers of GGUF take where a key is missing. nullopt: nothing, or the same as transformers.
std::optional<std::string> GgufDefault(const ConfigKey& key, const PythonObject& config) {
  const auto other = [&](std::string_view hub) {
    const std::string* value = config.Find(hub);
    return value ? std::optional(*value) : std::nullopt;
  };
  if (key.hub == "rope_theta" || key.hub == "rope_local_base_freq") return "10000.0";
  if (key.hub == "num_key_value_heads") return other("num_attention_heads");
  if (key.hub == "original_max_position_embeddings") return other("max_position_embeddings");
  if (key.hub == "sliding_window") return "null";
  return std::nullopt;
}

Result<void> TakePlain(GgufValues& gguf, const ConfigKey& key, const std::string& name,
                       const TensorFacts& tensors, Draft& draft) {
  auto literal = HM_TRY(gguf.Literal(key, name));
  if (!literal) literal = GgufDefault(key, draft.config);
  if (!literal) {
    // Files before 2024 do not say the size of the vocabulary; the embedding does.
    const bool known_otherwise = key.hub == "vocab_size" && tensors.vocab_size != 0;
    if (!key.required || known_otherwise) return {};
    return draft.Malformed(fmt::format("{} is missing", EscapeForPeople(name)));
  }
  if (const std::string* said = draft.config.Find(key.hub); said && *said != *literal) {
    return draft.Unsupported(fmt::format("{} is {}, and another key gives {} as {}",
                                         EscapeForPeople(name), *literal, key.hub, *said));
  }
  draft.config.SetLiteral(key.hub, *std::move(literal));
  return {};
}

// The factor of llama3's scaling, from the divisors. nullopt: they do not come from that formula
// with Meta's other numbers.
std::optional<float> Llama3Factor(std::span<const float> divisors, double theta) {
  std::set<float> factors = {8, 32};
  factors.insert(*std::max_element(divisors.begin(), divisors.end()));
  for (const float factor : factors) {
    const auto expected = Llama3RopeFactors(divisors.size(), theta, double{factor}, 1, 4, 8192);
    if (WithinFourUlp(divisors, expected)) return factor;
  }
  return std::nullopt;
}

std::vector<std::string> Literals(std::span<const float> values) {
  std::vector<std::string> literals;
  for (const float value : values) literals.push_back(PythonFloat(value));
  return literals;
}

void SetLlama3(PythonObject& rope, std::string factor) {
  rope.SetText("rope_type", "llama3");
  rope.SetLiteral("factor", std::move(factor));
  rope.SetLiteral("low_freq_factor", "1.0");
  rope.SetLiteral("high_freq_factor", "4.0");
  rope.SetInteger("original_max_position_embeddings", 8192);
}

// rope_scaling, from rope.scaling.* and from tensors.
Result<void> TakeRopeScaling(GgufValues& gguf, const ConfigFamily& family,
                             const TensorFacts& tensors, Draft& draft) {
  const std::string prefix = fmt::format("{}.rope.scaling.", family.Gguf());
  PythonObject rope;
  const std::string type = gguf.Text(prefix + "type").value_or("none");
  const RopeKind* kind = FindRopeKind(type == "none" ? "default" : type);
  if (kind == nullptr || (kind->name != "default" && !kind->in_gguf && type != "longrope")) {
    return draft.Unsupported(fmt::format("rotary scaling of type {}", EscapeForPeople(type)));
  }
  if (kind->in_gguf) {
    rope.SetText("rope_type", kind->name);
    for (const ConfigKey& key : kind->keys) {
      const std::string name = fmt::format("{}.{}", family.Gguf(), key.gguf);
      const auto literal = HM_TRY(gguf.Literal(key, name));
      if (literal) rope.SetLiteral(key.hub, *literal);
      if (!literal && key.required) return draft.Malformed(name + " is missing");
    }
  }

  for (const auto* values :
       {&tensors.rope_freqs, &tensors.rope_factors_long, &tensors.rope_factors_short}) {
    if (!std::all_of(values->begin(), values->end(), [](float v) { return std::isfinite(v); })) {
      return draft.Malformed("a tensor of rotary factors holds what is no finite number");
    }
  }
  const bool all_one = std::all_of(tensors.rope_freqs.begin(), tensors.rope_freqs.end(),
                                   [](float divisor) { return divisor == 1; });
  if (!all_one) {
    const std::string* theta = draft.config.Find("rope_theta");
    const auto factor =
        Llama3Factor(tensors.rope_freqs, theta ? std::strtod(theta->c_str(), nullptr) : 10000);
    if (!factor || kind->in_gguf) {
      return draft.Unsupported(
          "rope_freqs.weight does not hold what llama3's scaling gives for a factor, 1, 4 and "
          "8192");
    }
    SetLlama3(rope, PythonFloat(*factor));
  }
  if (!tensors.rope_factors_long.empty() || !tensors.rope_factors_short.empty()) {
    rope.SetText("type", "longrope");  // transformers 4 allows Phi-3 these three keys, no others
    rope.SetList("long_factor", Literals(tensors.rope_factors_long));
    rope.SetList("short_factor", Literals(tensors.rope_factors_short));
    gguf.Find(prefix + "attn_factor");  // follows from the contexts
  }
  draft.config.SetLiteral("rope_scaling", rope.Empty() ? "null" : rope.Indented());
  return {};
}

Result<void> TakeRopeDimensions(GgufValues& gguf, const ConfigFamily& family, Draft& draft) {
  const auto dimensions = HM_TRY(gguf.Count(fmt::format("{}.rope.dimension_count", family.Gguf())));
  const std::uint64_t head_dim = HeadDim(draft.config);
  if (!dimensions || head_dim == 0 || *dimensions == head_dim) return {};
  if (family.model_type != "phi3" || *dimensions > head_dim) {
    return draft.Unsupported(
        fmt::format("{} of the {} values of a head are rotated", *dimensions, head_dim));
  }
  draft.config.SetLiteral("partial_rotary_factor", PythonFloat(static_cast<double>(*dimensions) /
                                                               static_cast<double>(head_dim)));
  return {};
}

bool HasHeadDim(const ConfigFamily& family) {
  return std::any_of(family.defaults.begin(), family.defaults.end(),
                     [](const HubDefault& fallback) { return fallback.hub == "head_dim"; });
}

Result<void> TakeTokens(GgufValues& gguf, Draft& draft) {
  struct Token {
    std::string_view hub, gguf;
  };
  constexpr Token kTokens[] = {{"bos_token_id", "tokenizer.ggml.bos_token_id"},
                               {"eos_token_id", "tokenizer.ggml.eos_token_id"},
                               {"pad_token_id", "tokenizer.ggml.padding_token_id"}};
  for (const Token& token : kTokens) {
    if (const auto id = HM_TRY(gguf.Count(token.gguf))) draft.config.SetInteger(token.hub, *id);
  }
  return {};
}

}  // namespace

std::string_view TorchDtype(Dtype dtype) {
  if (dtype == Dtype::kF32) return "float32";
  if (dtype == Dtype::kF16) return "float16";
  return dtype == Dtype::kBf16 ? "bfloat16" : "";
}

Result<HubConfig> HubConfigFromGguf(std::span<const MetadataEntry> metadata,
                                    const TensorFacts& tensors, std::string subject) {
  Draft draft{std::move(subject), {}, {}};
  GgufValues gguf(metadata, draft);
  const ConfigFamily& family = *HM_TRY(FamilyOf(gguf, draft));
  for (const auto& part : family.keys) {
    for (const ConfigKey& key : part) {
      if (key.rule != KeyRule::kPlain) continue;
      HM_TRY(TakePlain(gguf, key, fmt::format("{}.{}", family.Gguf(), key.gguf), tensors, draft));
    }
  }
  // Both need what was taken before.
  HM_TRY(TakeRopeDimensions(gguf, family, draft));
  HM_TRY(TakeRopeScaling(gguf, family, tensors, draft));
  HM_TRY(TakeTokens(gguf, draft));
  PythonObject& config = draft.config;
  // Some families' classes take another width than the quotient where none is said.
  if (config.Find("head_dim") == nullptr && HasHeadDim(family)) {
    config.SetInteger("head_dim", HeadDim(config));
  }
  if (const auto scalar = AssumedQueryScalar(
          family, Integer(config, "num_hidden_layers"), Integer(config, "hidden_size"),
          Integer(config, "num_attention_heads"), HeadDim(config))) {
    config.SetInteger("query_pre_attn_scalar", *scalar);
  }
  // Phi-3's converter writes 0 for none.
  if (family.model_type == "phi3" && Integer(config, "sliding_window") == 0) {
    config.SetLiteral("sliding_window", "null");
  }
  gguf.Find(fmt::format("{}.vocab_size", family.Gguf()));
  for (const std::string& key : gguf.Left(fmt::format("{}.", family.Gguf()))) {
    draft.notes.push_back(EscapeForPeople(key) + " has no place in config.json");
  }
  return Finish(family, tensors, std::move(draft));
}

// ---- Meta ----

namespace {

// Releases whose scaled rotary frequencies have another factor than the 8 in Meta's code:
// Llama 3.2.
struct ScaledShape {
  std::uint64_t dim, layers;
};
constexpr ScaledShape kFactor32[] = {{2048, 16}, {3072, 28}};

// params.json's numbers.
class MetaValues {
 public:
  MetaValues(JsonValue root, const Draft& draft) : root_(root), draft_(draft) {
    if (const auto nested = root.Find("model"); nested && nested->IsObject()) root_ = *nested;
  }

  std::optional<JsonValue> Find(std::string_view key) const {
    const auto value = root_.Find(key);
    return value && value->GetKind() != JsonValue::Kind::kNull ? value : std::nullopt;
  }
  bool IsTrue(std::string_view key) const {
    const auto value = Find(key);
    return value && value->AsBool() == true;
  }
  Result<std::optional<std::uint64_t>> Count(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::optional<std::uint64_t>();
    const auto number = value->AsU64();
    if (!number || *number > UINT32_MAX) {
      return draft_.Malformed(fmt::format("{} is no whole number below 2^32", key));
    }
    return number;
  }
  Result<std::uint64_t> RequiredCount(std::string_view key) const {
    const auto number = HM_TRY(Count(key));
    if (!number) return draft_.Malformed(fmt::format("{} is missing", key));
    return *number;
  }
  Result<std::optional<double>> Real(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::optional<double>();
    const auto number = value->AsDouble();
    if (!number || std::abs(*number) > std::numeric_limits<float>::max()) {
      return draft_.Malformed(fmt::format("{} is no number, or beyond f32", key));
    }
    return number;
  }

 private:
  JsonValue root_;
  const Draft& draft_;
};

// The context that a release was trained for; params.json does not say it.
std::uint64_t KnownContext(double theta, bool scaled, double epsilon) {
  if (scaled) return 131072;             // Llama 3.1 to 3.3
  if (theta == 500000) return 8192;      // Llama 3
  if (theta == 1e6) return 16384;        // Code Llama
  return epsilon == 1e-6 ? 2048 : 4096;  // LLaMA 1, Llama 2
}

Result<void> TakeMetaRope(const MetaValues& params, std::uint64_t dim, std::uint64_t layers,
                          Draft& draft) {
  if (!params.IsTrue("use_scaled_rope")) {
    draft.config.SetLiteral("rope_scaling", "null");
    return {};
  }
  PythonObject rope;
  const auto said = HM_TRY(params.Real("rope_scaling_factor"));
  const bool is_32 = std::any_of(std::begin(kFactor32), std::end(kFactor32), [&](auto shape) {
    return shape.dim == dim && shape.layers == layers;
  });
  const double factor = said.value_or(is_32 ? 32 : 8);
  SetLlama3(rope, PythonFloat(factor));
  if (const auto high = HM_TRY(params.Real("rope_high_freq_factor"))) {
    rope.SetLiteral("high_freq_factor", PythonFloat(*high));
  }
  if (!said) {
    draft.notes.push_back(
        fmt::format("use_scaled_rope does not say its factor: {} is taken, as {}", factor,
                    is_32 ? "Llama 3.2's models of this shape have" : "Meta's code has"));
  }
  draft.config.SetLiteral("rope_scaling", rope.Indented());
  return {};
}

// The width of the feed-forward block that Meta's code computes from params.json.
Result<void> CompareFfn(const MetaValues& params, std::uint64_t dim, std::uint64_t ffn,
                        Draft& draft) {
  const auto multiple = HM_TRY(params.Count("multiple_of"));
  if (!multiple || *multiple == 0) return {};
  const double multiplier = HM_TRY(params.Real("ffn_dim_multiplier")).value_or(1);
  const std::uint64_t computed = MetaFfnSize(dim, *multiple, multiplier);
  if (computed != ffn) {
    draft.notes.push_back(fmt::format(
        "params.json's multiple_of and ffn_dim_multiplier give a feed-forward size of {}, but the "
        "tensors have {}, which is taken",
        computed, ffn));
  }
  return {};
}

}  // namespace

Result<HubConfig> HubConfigFromMeta(const JsonDocument& params_json, const TensorFacts& tensors) {
  Draft draft{params_json.Subject(), {}, {}};
  if (!params_json.Root().IsObject()) return draft.Malformed("this is not a JSON object");
  const MetaValues params(params_json.Root(), draft);
  PythonObject& config = draft.config;

  const std::uint64_t dim = HM_TRY(params.RequiredCount("dim"));
  const std::uint64_t layers = HM_TRY(params.RequiredCount("n_layers"));
  const std::uint64_t heads = HM_TRY(params.RequiredCount("n_heads"));
  if (dim == 0 || heads == 0) return draft.Malformed("dim or n_heads is 0");
  config.SetInteger("hidden_size", dim);
  config.SetInteger("num_hidden_layers", layers);
  config.SetInteger("num_attention_heads", heads);
  config.SetInteger("num_key_value_heads", HM_TRY(params.Count("n_kv_heads")).value_or(heads));
  config.SetInteger("head_dim", HM_TRY(params.Count("head_dim")).value_or(dim / heads));
  // -1 leaves it to the tokenizer.
  const auto vocab = params.Find("vocab_size");
  if (vocab && vocab->AsDouble() != -1) {
    config.SetInteger("vocab_size", HM_TRY(params.RequiredCount("vocab_size")));
  } else if (tensors.vocab_size == 0) {
    return draft.Malformed("vocab_size is left to the tokenizer, and there is no embedding");
  }

  // Only Mistral's params.json say hidden_dim.
  const auto moe = params.Find("moe");
  const auto hidden_dim = HM_TRY(params.Count("hidden_dim"));
  const ConfigFamily* family = FindConfigFamily(moe && moe->IsObject() ? "mixtral"
                                                : hidden_dim           ? "mistral"
                                                                       : "llama");
  std::uint64_t ffn = tensors.ffn_size != 0 ? tensors.ffn_size : tensors.expert_ffn_size;
  if (hidden_dim) ffn = *hidden_dim;
  if (ffn == 0) return draft.Malformed("no tensor tells the feed-forward size");
  HM_TRY(CompareFfn(params, dim, ffn, draft));
  config.SetInteger("intermediate_size", ffn);
  if (family->model_type == "mixtral") {
    for (const auto& [hub, key] : {std::pair{"num_local_experts", "num_experts"},
                                   std::pair{"num_experts_per_tok", "num_experts_per_tok"}}) {
      const auto value = moe->Find(key);
      const auto number = value ? value->AsU64() : std::nullopt;
      if (!number) return draft.Malformed(fmt::format("moe has no {}", key));
      config.SetInteger(hub, *number);
    }
  }

  const auto epsilon = HM_TRY(params.Real("norm_eps"));
  if (!epsilon) return draft.Malformed("norm_eps is missing");
  config.SetLiteral("rms_norm_eps", PythonFloat(*epsilon));
  const double theta = HM_TRY(params.Real("rope_theta")).value_or(10000);
  config.SetLiteral("rope_theta", PythonFloat(theta));
  HM_TRY(TakeMetaRope(params, dim, layers, draft));

  const std::uint64_t context = KnownContext(theta, params.IsTrue("use_scaled_rope"), *epsilon);
  config.SetInteger("max_position_embeddings", context);
  draft.notes.push_back(fmt::format(
      "params.json does not say the context: max_position_embeddings {} is taken", context));
  const bool is_llama3 = tensors.vocab_size == 128256;
  config.SetInteger("bos_token_id", is_llama3 ? 128000 : 1);
  config.SetInteger("eos_token_id", is_llama3 ? 128001 : 2);

  HubConfig result = HM_TRY(Finish(*family, tensors, std::move(draft)));
  return result;
}

}  // namespace hallmark
