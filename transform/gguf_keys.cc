#include "transform/gguf_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "src/base/text.h"
#include "src/model/rope.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kQuantisationVersion = 2;  // of ggml's block layouts, since May 2023

MetadataEntry Text(std::string key, std::string_view value) {
  return {std::move(key), std::string(value), MetadataType::kString};
}
MetadataEntry U32(std::string key, std::uint64_t value) {
  return {std::move(key), value, MetadataType::kU32};
}
MetadataEntry F32(std::string key, double value) {
  return {std::move(key), double{static_cast<float>(value)}, MetadataType::kF32};
}

// Three digits at most, two at least: "1.1B", "135M".
std::string RoundedCount(std::uint64_t count) {
  struct Unit {
    double above, scale;
    char name;
  };
  constexpr Unit kUnits[] = {
      {1e12, 1e-12, 'T'}, {1e9, 1e-9, 'B'}, {1e6, 1e-6, 'M'}, {0, 1e-3, 'K'}};
  const auto number = static_cast<double>(count);
  const auto* unit = std::begin(kUnits);
  while (unit->above > 0 && !(number > unit->above)) ++unit;
  const double scaled = number * unit->scale;
  const double whole = std::nearbyint(scaled);  // ties to even, as Python's round()
  const int digits = whole == 0 ? 0 : static_cast<int>(fmt::format("{:.0f}", whole).size());
  return fmt::format("{:.{}f}{}", scaled, std::max(2 - digits, 0), unit->name);
}

// generation_config.json's keys that GGUF has, in GGUF's order.
struct SamplingKey {
  std::string_view hub, gguf;
  MetadataType type;
};
constexpr SamplingKey kSamplingKeys[] = {
    {"top_k", "top_k", MetadataType::kI32},
    {"top_p", "top_p", MetadataType::kF32},
    {"min_p", "min_p", MetadataType::kF32},
    {"temperature", "temp", MetadataType::kF32},
    {"repetition_penalty", "penalty_repeat", MetadataType::kF32},
};

Result<void> AddSampling(const JsonDocument& generation, std::vector<MetadataEntry>& entries) {
  const JsonValue root = generation.Root();
  for (const SamplingKey& key : kSamplingKeys) {
    const auto value = root.Find(key.hub);
    if (!value || value->GetKind() == JsonValue::Kind::kNull) continue;
    const std::string name = fmt::format("general.sampling.{}", key.gguf);
    const auto number = value->AsDouble();
    const auto whole = value->AsU64();
    const bool is_count = key.type == MetadataType::kI32;
    if (!number || (is_count && (!whole || *whole > INT32_MAX))) {
      return Error{Errc::kMalformed, generation.Subject(),
                   fmt::format("{} is not {}", key.hub, is_count ? "a count" : "a number")};
    }
    if (is_count) {
      entries.push_back({name, static_cast<std::int64_t>(*whole), key.type});
    } else if (std::abs(*number) <= std::numeric_limits<float>::max()) {
      entries.push_back(F32(name, *number));
    }
  }
  return {};
}

// A number that GGUF stores as f32.
Result<void> AddF32(const HubValues& config, std::string_view hub, std::string name, double value,
                    std::vector<MetadataEntry>& entries) {
  if (!(std::abs(value) <= std::numeric_limits<float>::max())) {
    return Error{Errc::kMalformed, config.Subject(),
                 fmt::format("{} is {}, which is beyond f32", hub, value)};
  }
  entries.push_back(F32(std::move(name), value));
  return {};
}

// One row of the table, if config.json or its defaults say it.
Result<void> AddPlain(const HubValues& config, const ConfigKey& key, std::string name,
                      std::vector<MetadataEntry>& entries) {
  if (key.type == MetadataType::kU32) {
    auto value = HM_TRY(config.Integer(key.hub));
    if (!value && key.required) value = HM_TRY(config.RequiredInteger(key.hub));
    if (value) entries.push_back(U32(std::move(name), *value));
  } else {
    auto value = HM_TRY(config.Number(key.hub));
    if (!value && key.required) value = HM_TRY(config.RequiredNumber(key.hub));
    if (value) HM_TRY(AddF32(config, key.hub, std::move(name), *value, entries));
  }
  return {};
}

Result<void> AddRopeScaling(const HubValues& config, const RopeKind& kind, std::string_view gguf,
                            std::vector<MetadataEntry>& entries) {
  if (!kind.in_gguf) return {};
  entries.push_back(Text(fmt::format("{}.rope.scaling.type", gguf), kind.name));
  for (const ConfigKey& key : kind.keys) {
    auto value = HM_TRY(config.RopeNumber(key.hub));
    if (!value && key.hub == "original_max_position_embeddings") {
      value = HM_TRY(config.Number(key.hub));
      if (!value) value = HM_TRY(config.Number("max_position_embeddings"));
    }
    if (!value && key.required) {
      return Error{Errc::kMalformed, config.Subject(),
                   fmt::format("rotary scaling of type {} has no {}", kind.name, key.hub)};
    }
    if (!value) continue;
    std::string name = fmt::format("{}.{}", gguf, key.gguf);
    if (key.type == MetadataType::kF32) {
      HM_TRY(AddF32(config, key.hub, std::move(name), *value, entries));
    } else {
      if (!(*value >= 0 && *value <= UINT32_MAX) || std::floor(*value) != *value) {
        return Error{Errc::kMalformed, config.Subject(),
                     fmt::format("{} is no whole number below 2^32", key.hub)};
      }
      entries.push_back(U32(std::move(name), static_cast<std::uint64_t>(*value)));
    }
  }
  return {};
}

Result<double> RequiredRope(const HubValues& config, std::string_view key) {
  if (const auto value = HM_TRY(config.RopeNumber(key))) return *value;
  return Error{Errc::kMalformed, config.Subject(), fmt::format("rotary scaling has no {}", key)};
}

// rope_freqs.weight: the divisors of "llama3" scaling.
Result<RopeTensor> Llama3Tensor(const HubValues& config) {
  const double factor = HM_TRY(RequiredRope(config, "factor"));
  const double low = HM_TRY(RequiredRope(config, "low_freq_factor"));
  const double high = HM_TRY(RequiredRope(config, "high_freq_factor"));
  const double context = HM_TRY(config.RequiredNumber("original_max_position_embeddings"));
  const double theta = HM_TRY(config.RequiredNumber("rope_theta"));
  if (!(factor > 0 && factor <= std::numeric_limits<float>::max() && low > 0 && high > low &&
        context > 0 && theta > 0)) {
    return Error{Errc::kMalformed, config.Subject(),
                 "the numbers of llama3's rotary scaling make no sense together"};
  }
  const std::uint64_t head_dim = HM_TRY(config.HeadDim());
  constexpr std::uint64_t kWidestHead = 1 << 16;
  if (head_dim > kWidestHead) {
    return Error{Errc::kUnsupported, config.Subject(),
                 fmt::format("got a head dimension of {}, limit {}", head_dim, kWidestHead)};
  }
  RopeTensor tensor{"rope_freqs.weight", {}};
  for (const double divisor : Llama3RopeFactors(head_dim / 2, theta, factor, low, high, context)) {
    tensor.values.push_back(static_cast<float>(divisor));
  }
  return tensor;
}

Result<RopeTensor> FactorTensor(const HubValues& config, std::string_view key, std::string name) {
  const std::vector<double> factors = HM_TRY(config.RopeNumbers(key));
  const std::uint64_t pairs = HM_TRY(config.RopeDimensions()) / 2;
  if (factors.size() != pairs) {
    return Error{Errc::kMalformed, config.Subject(),
                 fmt::format("{} has {} numbers, but {} pairs of each head are rotated", key,
                             factors.size(), pairs)};
  }
  RopeTensor tensor{std::move(name), {}};
  for (const double factor : factors) {
    if (!(std::abs(factor) <= std::numeric_limits<float>::max())) {
      return Error{Errc::kMalformed, config.Subject(),
                   fmt::format("{} holds {}, which is beyond f32", key, factor)};
    }
    tensor.values.push_back(static_cast<float>(factor));
  }
  return tensor;
}

// How much longrope scales attention up, as transformers computes it from the two contexts.
Result<double> LongropeAttentionFactor(const HubValues& config) {
  const double original = HM_TRY(config.RequiredNumber("original_max_position_embeddings"));
  const double context = HM_TRY(config.RequiredNumber("max_position_embeddings"));
  if (!(original > 1)) {
    return Error{Errc::kMalformed, config.Subject(),
                 fmt::format("got an original context of {}, at least 2 makes sense", original)};
  }
  const double scale = context / original;
  return scale > 1 ? std::sqrt(1 + std::log(scale) / std::log(original)) : 1.0;
}

bool IsLiteral(const JsonValue& value, std::string_view literal) {
  switch (value.GetKind()) {
    case JsonValue::Kind::kNull:
      return literal == "null";
    case JsonValue::Kind::kBool:
      return literal == (*value.AsBool() ? "true" : "false");
    case JsonValue::Kind::kString:
      return literal == fmt::format("\"{}\"", *value.AsString());
    case JsonValue::Kind::kArray:
      return literal == "[]" && value.Items().empty();
    case JsonValue::Kind::kObject:
      return false;
    case JsonValue::Kind::kInteger:
    case JsonValue::Kind::kFloat:
      break;
  }
  // A word is no number: strtod reads nothing of it.
  char* end = nullptr;
  const std::string text(literal);
  const double number = std::strtod(text.c_str(), &end);
  return end != text.c_str() && value.AsDouble() == number;
}

// For people: numbers, words, lists of them.
std::string Spelled(const JsonValue& value) {
  if (const auto text = value.AsString()) return EscapeForPeople(*text);
  if (const auto flag = value.AsBool()) return *flag ? "true" : "false";
  if (const auto whole = value.AsU64()) return fmt::format("{}", *whole);
  if (const auto number = value.AsDouble()) return fmt::format("{}", *number);
  return value.IsArray() ? "(a list)" : value.IsObject() ? "(an object)" : "null";
}

// Whether `items` are `plain`, but for every `period`th, which is `special`.
template <typename Is>
bool IsPeriodic(const std::vector<JsonValue>& items, unsigned period, Is is_special) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (is_special(items[i]) != ((i + 1) % period == 0)) return false;
  }
  return true;
}

Result<std::vector<std::string>> Losses(const HubValues& config, const RopeKind& rope) {
  const ConfigFamily& family = config.Family();
  std::vector<std::string> lost;
  for (const HubConstant& constant : family.constants) {
    const auto value = config.Find(constant.hub);
    if (value ? IsLiteral(*value, constant.literal) || IsLiteral(*value, constant.also)
              : !constant.absent_is_other) {
      continue;
    }
    // Gemma's configuration classes take a null for what they always compute.
    if (value && value->GetKind() == JsonValue::Kind::kNull &&
        constant.hub.starts_with("hidden_act")) {
      continue;
    }
    lost.push_back(fmt::format("{} is {}; readers of GGUF's {} take {}", constant.hub,
                               value ? Spelled(*value) : "left to its default", family.Gguf(),
                               constant.literal));
  }
  if (const auto types = config.Find("layer_types"); types && types->IsArray()) {
    const auto is_full = [](const JsonValue& item) { return item.AsString() == "full_attention"; };
    if (!IsPeriodic(types->Items(), family.full_attention_period, is_full)) {
      lost.push_back(
          fmt::format("layer_types; readers of GGUF's {} take full attention in every "
                      "layer whose number, from 1, is a multiple of {}",
                      family.Gguf(), family.full_attention_period));
    }
  }
  if (const auto layers = config.Find("no_rope_layers"); layers && layers->IsArray()) {
    const auto is_bare = [](const JsonValue& item) { return item.AsU64() == 0; };
    if (!IsPeriodic(layers->Items(), 4, is_bare)) {
      lost.push_back("no_rope_layers; readers of GGUF's smollm3 leave out every fourth layer");
    }
  }
  if (const auto scale = HM_TRY(config.Number("query_pre_attn_scalar"))) {
    const auto assumed =
        AssumedQueryScalar(family, HM_TRY(config.RequiredInteger("num_hidden_layers")),
                           HM_TRY(config.RequiredInteger("hidden_size")), HM_TRY(config.Heads()),
                           HM_TRY(config.HeadDim()));
    if (assumed && static_cast<double>(*assumed) != *scale) {
      lost.push_back(fmt::format("query_pre_attn_scalar is {}; readers of GGUF's {} take {}",
                                 *scale, family.Gguf(), *assumed));
    }
  }
  for (const std::string& key : config.UnknownRopeKeys(rope)) {
    lost.push_back(fmt::format("{} of rotary scaling", EscapeForPeople(key)));
  }
  return lost;
}

}  // namespace

std::string SizeLabel(const ParameterCounts& counts) {
  if (counts.experts == 0) return RoundedCount(counts.total);
  return fmt::format("{}x{}", counts.experts, RoundedCount(counts.shared + counts.expert));
}

Result<GgufKeys> GgufKeysOf(const JsonDocument& hub_config, const GgufFacts& facts) {
  const HubValues config = HM_TRY(HubValues::Read(hub_config));
  const std::string_view gguf = config.Family().Gguf();
  if (facts.tensors != nullptr) HM_TRY(CheckTensorFacts(config, *facts.tensors));
  const RopeKind& rope = *HM_TRY(config.Rope());

  GgufKeys keys;
  auto& entries = keys.entries;
  entries.push_back(Text("general.architecture", gguf));
  if (rope.name == "longrope") {
    entries.push_back(F32(fmt::format("{}.rope.scaling.attn_factor", gguf),
                          HM_TRY(LongropeAttentionFactor(config))));
    keys.rope_tensors.push_back(
        HM_TRY(FactorTensor(config, "long_factor", "rope_factors_long.weight")));
    keys.rope_tensors.push_back(
        HM_TRY(FactorTensor(config, "short_factor", "rope_factors_short.weight")));
  }
  if (rope.name == "llama3") keys.rope_tensors.push_back(HM_TRY(Llama3Tensor(config)));
  entries.push_back(Text("general.type", "model"));
  if (facts.generation_config != nullptr) HM_TRY(AddSampling(*facts.generation_config, entries));
  if (!facts.name.empty()) entries.push_back(Text("general.name", facts.name));
  if (facts.parameters) entries.push_back(Text("general.size_label", SizeLabel(*facts.parameters)));

  for (const auto& part : config.Family().keys) {
    for (const ConfigKey& key : part) {
      std::string name = fmt::format("{}.{}", gguf, key.gguf);
      switch (key.rule) {
        case KeyRule::kPlain:
          HM_TRY(AddPlain(config, key, std::move(name), entries));
          break;
        case KeyRule::kRopeScaling:
          HM_TRY(AddRopeScaling(config, rope, gguf, entries));
          break;
        case KeyRule::kRopeDimensions:
          entries.push_back(U32(std::move(name), HM_TRY(config.RopeDimensions())));
          break;
        case KeyRule::kFileType:
          entries.push_back(U32(std::string(key.gguf), facts.file_type));
          break;
      }
    }
  }
  entries.push_back(U32("general.quantization_version", kQuantisationVersion));
  keys.lost = HM_TRY(Losses(config, rope));
  return keys;
}

}  // namespace hallmark
