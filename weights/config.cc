#include "weights/config.h"

#include <cstdlib>
#include <memory>

#include "src/json/json_reader.h"

namespace hallmark {
namespace {

std::optional<std::uint64_t> FindU64(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->AsU64() : std::nullopt;
}

std::optional<double> FindDouble(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->AsDouble() : std::nullopt;
}

std::string FindText(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return std::string(value ? value->AsString().value_or("") : "");
}

std::vector<double> FindDoubles(const JsonValue& object, std::string_view key) {
  std::vector<double> numbers;
  const auto value = object.Find(key);
  if (!value) return numbers;
  for (const JsonValue& item : value->Items()) {
    const auto number = item.AsDouble();
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

RopeScaling ReadRope(const JsonValue& rope) {
  RopeScaling scaling;
  scaling.type = FindText(rope, "rope_type");
  if (scaling.type.empty()) scaling.type = FindText(rope, "type");
  if (scaling.type == "default") scaling.type.clear();
  scaling.factor = FindDouble(rope, "factor");
  scaling.low_frequency_factor = FindDouble(rope, "low_freq_factor");
  scaling.high_frequency_factor = FindDouble(rope, "high_freq_factor");
  scaling.original_context = FindDouble(rope, "original_max_position_embeddings");
  scaling.long_factors = FindDoubles(rope, "long_factor");
  scaling.short_factors = FindDoubles(rope, "short_factor");
  return scaling;
}

// Hugging Face's quantization_config; MLX's own "quantization", which mlx-lm repeats under that
// name.
std::optional<ConfiguredQuantisation> ReadQuantisation(const JsonValue& root) {
  for (const std::string_view key : {"quantization_config", "quantization"}) {
    const auto quantisation = root.Find(key);
    if (!quantisation || !quantisation->IsObject()) continue;
    ConfiguredQuantisation configured;
    configured.method = FindText(*quantisation, "quant_method");
    configured.bits = FindU64(*quantisation, "bits");
    configured.group_size = FindU64(*quantisation, "group_size");
    const auto is_set = [&](std::string_view flag) {
      const auto value = quantisation->Find(flag);
      return value && value->AsBool() == true;
    };
    // bitsandbytes came before there was a quant_method.
    const bool is_4bit = is_set("load_in_4bit");
    if (is_4bit || is_set("load_in_8bit")) {
      if (configured.method.empty()) configured.method = "bitsandbytes";
      if (!configured.bits) configured.bits = is_4bit ? 4 : 8;
    }
    if (configured.method.empty() && key == "quantization") configured.method = "mlx";
    if (!configured.method.empty()) return configured;
  }
  return std::nullopt;
}

Result<JsonValue> RootObject(const JsonDocument& document) {
  if (document.Root().IsObject()) return document.Root();
  return Error{Errc::kMalformed, document.Subject(), "this is not a JSON object"};
}

// One metadata key of a GGUF file as a number. An array counts if all its items are equal; if they
// are not, `varies` is set.
std::optional<std::uint64_t> AsCount(const MetadataValue& value, bool* varies) {
  if (const auto* u = std::get_if<std::uint64_t>(&value)) return *u;
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    return *i >= 0 ? std::optional(static_cast<std::uint64_t>(*i)) : std::nullopt;
  }
  const auto* array = std::get_if<std::shared_ptr<const MetadataArray>>(&value);
  if (array == nullptr || *array == nullptr || (*array)->Size() == 0) return std::nullopt;
  const MetadataValue first = (*array)->At(0);
  if (std::holds_alternative<std::shared_ptr<const MetadataArray>>(first)) return std::nullopt;
  for (std::uint64_t i = 1; i < (*array)->Size(); ++i) {
    if ((*array)->At(i) != first) {
      *varies = true;
      return std::nullopt;
    }
  }
  return AsCount(first, varies);
}

using Metadata = std::span<const MetadataEntry>;

const MetadataValue* FindValue(Metadata metadata, std::string_view key) {
  const MetadataEntry* entry = FindMetadata(metadata, key);
  return entry == nullptr ? nullptr : &entry->value;
}

// A number that stands alone, without its sign: llama2.c makes a flag of that.
std::optional<std::uint64_t> FindMagnitude(Metadata metadata, std::string_view key) {
  const MetadataValue* value = FindValue(metadata, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* u = std::get_if<std::uint64_t>(value)) return *u;
  if (const auto* i = std::get_if<std::int64_t>(value)) {
    return static_cast<std::uint64_t>(std::abs(*i));
  }
  return std::nullopt;
}

ModelConfig ConfigFromGgmlLegacy(Metadata metadata) {
  ModelConfig config;
  config.architecture = "llama";
  config.n_layers = FindMagnitude(metadata, "n_layer");
  config.hidden_size = FindMagnitude(metadata, "n_embd");
  config.n_heads = FindMagnitude(metadata, "n_head");
  config.vocab_size = FindMagnitude(metadata, "n_vocab");
  return config;
}

ModelConfig ConfigFromLlama2c(Metadata metadata) {
  ModelConfig config;
  config.architecture = "llama";
  config.n_layers = FindMagnitude(metadata, "n_layers");
  config.hidden_size = FindMagnitude(metadata, "dim");
  config.ffn_size = FindMagnitude(metadata, "hidden_dim");
  config.n_heads = FindMagnitude(metadata, "n_heads");
  config.n_kv_heads = FindMagnitude(metadata, "n_kv_heads");
  config.vocab_size = FindMagnitude(metadata, "vocab_size");
  return config;
}

ModelConfig ConfigFromGguf(Metadata metadata) {
  ModelConfig config;
  const auto find = [&](std::string_view key) { return FindValue(metadata, key); };
  if (const auto* value = find("general.architecture")) {
    if (const auto* text = std::get_if<std::string>(value)) config.architecture = *text;
  }
  const auto keyed = [&](std::string_view key) {
    return find(config.architecture + "." + std::string(key));
  };
  const auto count = [&](std::string_view key, bool* varies) -> std::optional<std::uint64_t> {
    const MetadataValue* value = keyed(key);
    return value == nullptr ? std::nullopt : AsCount(*value, varies);
  };
  const auto number = [&](std::string_view key) -> std::optional<double> {
    const MetadataValue* value = keyed(key);
    if (value == nullptr) return std::nullopt;
    if (const auto* real = std::get_if<double>(value)) return *real;
    bool ignored = false;
    const auto whole = AsCount(*value, &ignored);
    return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
  };
  bool ignored = false;
  config.n_layers = count("block_count", &ignored);
  config.hidden_size = count("embedding_length", &ignored);
  config.ffn_size = count("feed_forward_length", &ignored);
  config.n_heads = count("attention.head_count", &config.heads_vary);
  config.n_kv_heads = count("attention.head_count_kv", &config.heads_vary);
  config.head_dim = count("attention.key_length", &ignored);
  config.vocab_size = count("vocab_size", &ignored);
  config.n_experts = count("expert_count", &ignored);
  config.rope_theta = number("rope.freq_base");
  if (const auto* value = keyed("rope.scaling.type")) {
    if (const auto* text = std::get_if<std::string>(value); text != nullptr && *text != "none") {
      config.rope.type = *text;
    }
  }
  config.rope.factor = number("rope.scaling.factor");
  config.rope.original_context = number("rope.scaling.original_context_length");
  return config;
}

}  // namespace

Result<ModelConfig> ParseHubConfig(std::string_view json, std::string subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(json, subject));
  JsonValue root = HM_TRY(RootObject(document));
  ModelConfig config;
  config.source = std::move(subject);
  config.architecture = FindText(root, "model_type");
  config.quantisation = ReadQuantisation(root);
  if (const auto text = root.Find("text_config"); text && text->IsObject()) {
    if (!config.quantisation) config.quantisation = ReadQuantisation(*text);
    if (const std::string type = FindText(*text, "model_type"); !type.empty()) {
      config.architecture = type;
    }
    root = *text;
  }
  config.n_layers = FindU64(root, "num_hidden_layers");
  config.hidden_size = FindU64(root, "hidden_size");
  config.ffn_size = FindU64(root, "intermediate_size");
  config.n_heads = FindU64(root, "num_attention_heads");
  config.n_kv_heads = FindU64(root, "num_key_value_heads");
  config.head_dim = FindU64(root, "head_dim");
  config.vocab_size = FindU64(root, "vocab_size");
  for (const std::string_view key : {"num_local_experts", "num_experts", "n_routed_experts"}) {
    if (!config.n_experts) config.n_experts = FindU64(root, key);
  }
  config.rope_theta = FindDouble(root, "rope_theta");
  // transformers 5 writes rope_parameters, theta included; older files rope_scaling.
  for (const std::string_view key : {"rope_parameters", "rope_scaling"}) {
    const auto rope = root.Find(key);
    if (!rope || !rope->IsObject()) continue;
    config.rope = ReadRope(*rope);
    if (!config.rope_theta) config.rope_theta = FindDouble(*rope, "rope_theta");
    if (!config.rope.original_context) {
      config.rope.original_context = FindDouble(root, "original_max_position_embeddings");
    }
    break;
  }
  return config;
}

Result<ModelConfig> ParseMetaParams(std::string_view json, std::string subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(json, subject));
  JsonValue root = HM_TRY(RootObject(document));
  if (const auto nested = root.Find("model"); nested && nested->IsObject()) root = *nested;
  ModelConfig config;
  config.source = std::move(subject);
  config.n_layers = FindU64(root, "n_layers");
  config.hidden_size = FindU64(root, "dim");
  config.ffn_size = FindU64(root, "hidden_dim");
  config.n_heads = FindU64(root, "n_heads");
  config.n_kv_heads = FindU64(root, "n_kv_heads");
  config.head_dim = FindU64(root, "head_dim");
  config.vocab_size = FindU64(root, "vocab_size");  // -1, "ask the tokenizer", is absent
  if (const auto moe = root.Find("moe"); moe && moe->IsObject()) {
    config.n_experts = FindU64(*moe, "num_experts");
  }
  config.rope_theta = FindDouble(root, "rope_theta");
  if (const auto scaled = root.Find("use_scaled_rope"); scaled && scaled->AsBool() == true) {
    config.rope.type = "llama3";  // the factor is in Meta's code, not in the file
  }
  return config;
}

std::optional<ModelConfig> ConfigFromContainer(std::string_view format_name,
                                               std::span<const MetadataEntry> metadata,
                                               std::string subject) {
  ModelConfig config;
  if (format_name == "gguf") {
    config = ConfigFromGguf(metadata);
  } else if (format_name == "ggml-legacy") {
    config = ConfigFromGgmlLegacy(metadata);
  } else if (format_name == "llama2c") {
    config = ConfigFromLlama2c(metadata);
  } else {
    return std::nullopt;
  }
  config.source = std::move(subject);
  return config;
}

}  // namespace hallmark
