#include "verify/diff/fields/compare_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "src/model/rope.h"
#include "transform/gguf_keys.h"
#include "transform/hub_config.h"
#include "transform/hub_values.h"
#include "transform/tensor_plan.h"
#include "verify/diff/fields/compare_metadata.h"
#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"
#include "weights/canonical.h"

namespace hallmark {
namespace {

constexpr std::string_view kArea = "configuration";

// A configuration as GGUF's keys.
struct ConfigView {
  SideKind kind = SideKind::kNone;
  std::string architecture;  // GGUF's name
  std::vector<MetadataEntry> entries;
  std::map<std::string, std::vector<float>> rope;  // by the tensor's name; none where all are 1
  bool knows_rope = true;
  std::vector<std::string> lost;         // what config.json says and GGUF cannot
  const ConfigFamily* family = nullptr;  // of what is not GGUF
  std::optional<JsonDocument> config;    // config.json

  const MetadataEntry* Find(std::string_view key) const {
    return FindMetadata(entries, fmt::format("{}.{}", architecture, key));
  }
};

// As GGUF stores it.
float AsF32(double number) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return std::abs(number) > kLargest ? std::numeric_limits<float>::infinity()
                                     : static_cast<float>(number);
}

constexpr const char* kRopeTensors[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                        "rope_factors_short.weight"};

void SetRope(ConfigView& view, const char* name, std::vector<float> values) {
  const bool changes_nothing = std::ranges::all_of(values, [](float value) { return value == 1; });
  if (!changes_nothing) view.rope[name] = std::move(values);
}

Result<TensorFacts> ReadFacts(const Model& model, const Task& task) {
  const CanonicalModel canonical = HM_TRY(Canonicalise(model, task));
  return FactsOf(model, canonical);
}

Result<ConfigView> ViewOfHub(const FieldSide& side, JsonDocument config) {
  ConfigView view;
  const HubValues values = HM_TRY(HubValues::Read(config));
  view.family = &values.Family();
  view.architecture = view.family->Gguf();
  std::optional<JsonDocument> generation;
  if (side.Kind() == SideKind::kHub) generation = side.ReadJson("generation_config.json");
  GgufFacts facts;
  facts.generation_config = generation ? &*generation : nullptr;
  GgufKeys keys = HM_TRY(GgufKeysOf(config, facts));
  view.entries = std::move(keys.entries);
  view.lost = std::move(keys.lost);
  for (RopeTensor& tensor : keys.rope_tensors) {
    for (const char* name : kRopeTensors) {
      if (tensor.name == name) SetRope(view, name, std::move(tensor.values));
    }
  }
  view.config = std::move(config);
  return view;
}

// kNotFound: the side has no configuration that was readable.
Result<ConfigView> ViewOf(const FieldSide& side, const Task& task) {
  const Error none{Errc::kNotFound, "", "no configuration"};
  ConfigView view;
  if (side.Kind() == SideKind::kHub) {
    auto config = side.ReadJson("config.json");
    if (!config) return none;
    view = HM_TRY(ViewOfHub(side, *std::move(config)));
  } else if (side.Kind() == SideKind::kMeta) {
    const auto params = side.ReadJson("params.json");
    if (!params) return none;
    const TensorFacts facts = HM_TRY(ReadFacts(side.GetModel(), task));
    const HubConfig made = HM_TRY(HubConfigFromMeta(*params, facts));
    view = HM_TRY(ViewOfHub(side, HM_TRY(JsonDocument::Parse(made.text, params->Subject()))));
  } else if (side.Kind() == SideKind::kGguf) {
    view.entries = side.Metadata();
    view.architecture = side.GetModel().Config().architecture;
    auto facts = ReadFacts(side.GetModel(), task);
    if (!facts && facts.error().code == Errc::kInterrupted) return std::move(facts).error();
    view.knows_rope = facts.has_value();
    if (facts) {
      SetRope(view, kRopeTensors[0], std::move(facts->rope_freqs));
      SetRope(view, kRopeTensors[1], std::move(facts->rope_factors_long));
      SetRope(view, kRopeTensors[2], std::move(facts->rope_factors_short));
    }
  } else {
    return none;
  }
  view.kind = side.Kind();
  return view;
}

// What params.json leaves to Meta's code, and a conversion to GGUF assumes.
bool IsAssumed(const ConfigView& view, std::string_view key) {
  return view.kind == SideKind::kMeta && key == "context_length";
}

using ArrayPointer = std::shared_ptr<const MetadataArray>;

// What GGUF may say layer by layer, as one value if all layers have the same.
MetadataEntry AsOne(const MetadataEntry& entry) {
  const auto* array = std::get_if<ArrayPointer>(&entry.value);
  if (array == nullptr || (*array)->Size() == 0) return entry;
  const MetadataType type = (*array)->ElementType();
  if (type == MetadataType::kArray || type == MetadataType::kString) return entry;
  const MetadataValue first = (*array)->At(0);
  for (std::uint64_t i = 1; i < (*array)->Size(); ++i) {
    if ((*array)->At(i) != first) return entry;
  }
  return {entry.key, first, type};
}

// Of values that change nothing: a missing key says the same. `view` is the side that says it.
bool IsNeutral(const MetadataEntry& entry, std::string_view key, const ConfigView& view) {
  if (const auto* text = std::get_if<std::string>(&entry.value)) {
    // Without a factor, "linear" scales nothing.
    return *text == "none" || (key == "rope.scaling.type" && *text == "linear" &&
                               !IsScaledByFactor(view.architecture, view.entries));
  }
  const auto number = NumberOf(entry);
  return number == 0 || (key == "rope.scaling.factor" && number == 1);
}

// Keys that no conversion of most families writes, and the values with which their readers compute
// what they compute without them.
struct ExtraKey {
  std::string_view key;
  double neutral, also;
};
constexpr ExtraKey kExtraKeys[] = {
    {"attention.scale", 0, 0},
    {"attention.sliding_window", 0, 0},
    {"attention.causal", 1, 1},
    {"attention.clamp_kqv", 0, 0},
    {"attention.max_alibi_bias", 0, 0},
    {"attn_logit_softcapping", 0, 0},
    {"final_logit_softcapping", 0, 0},
    {"logit_scale", 0, 1},
    {"embedding_scale", 0, 1},
    {"residual_scale", 0, 1},
    {"rope.scale_linear", 0, 1},
    {"rope.scaling.factor", 0, 1},
    {"rope.scaling.attn_factor", 1, 1},
    {"rope.scaling.yarn_log_multiplier", 0, 0},
    {"pooling_type", 0, 0},
    {"expert_count", 0, 0},
    {"expert_used_count", 0, 0},
    {"expert_shared_count", 0, 0},
    {"expert_weights_scale", 0, 1},
    {"leading_dense_block_count", 0, 0},
    {"nextn_predict_layers", 0, 0},
};
// That are only shown.
constexpr std::string_view kUnreadKeys[] = {"rope.scaling.finetuned", "tensor_data_layout"};

// config.json's key of a value that only other families' GGUF files have.
std::string_view HubKeyOf(std::string_view gguf) {
  if (gguf == "vocab_size") return gguf;
  for (const ConfigFamily& family : AllConfigFamilies()) {
    for (const auto& part : family.keys) {
      for (const ConfigKey& key : part) {
        if (key.gguf == gguf && key.rule == KeyRule::kPlain) return key.hub;
      }
    }
  }
  return {};
}

class ConfigComparison {
 public:
  ConfigComparison(const ConfigView& a, const ConfigView& b, FieldComparison& out)
      : views_{&a, &b}, out_(out) {}

  void Compare() {
    Field("architecture", ShortText(views_[0]->architecture), ShortText(views_[1]->architecture));
    std::vector<std::string_view> seen;
    for (const ConfigView* view : views_) {
      if (view->family == nullptr) continue;
      for (const auto& part : view->family->keys) {
        for (const ConfigKey& key : part) CompareKey(key, seen);
      }
    }
    for (const char* kind : {"linear", "yarn"}) {
      for (const ConfigKey& key : FindRopeKind(kind)->keys) CompareKey(key, seen);
    }
    CompareExtras(seen);
    CompareRope();
    CompareSampling();
    for (const int side : {0, 1}) {
      if (views_[1 - side]->kind != SideKind::kGguf) continue;
      for (const std::string& lost : views_[side]->lost) {
        out_.unsettled.push_back(
            fmt::format("{}'s configuration has what GGUF cannot say: {}", kSideNames[side], lost));
      }
    }
  }

 private:
  void Field(std::string_view name, std::string a, std::string b) {
    ++out_.compared;
    if (a == b) return;
    out_.differing.push_back({std::string(kArea), std::string(name), std::move(a), std::move(b)});
  }

  void CompareKey(const ConfigKey& key, std::vector<std::string_view>& seen) {
    if (key.rule == KeyRule::kFileType || std::ranges::find(seen, key.gguf) != seen.end()) return;
    seen.push_back(key.gguf);
    const MetadataEntry* found[] = {views_[0]->Find(key.gguf), views_[1]->Find(key.gguf)};
    if (found[0] == nullptr && found[1] == nullptr) return;
    for (const ConfigView* view : views_) {
      if (IsAssumed(*view, key.gguf)) return;
    }
    const std::string name = NameOf(key);
    std::optional<MetadataEntry> ones[2];
    for (const int side : {0, 1}) {
      if (found[side] != nullptr) found[side] = &ones[side].emplace(AsOne(*found[side]));
    }
    std::string texts[2];
    std::optional<double> numbers[2];
    for (const int side : {0, 1}) {
      if (found[side] == nullptr) continue;
      texts[side] = ShortValue(found[side]->value, found[side]->type);
      numbers[side] = NumberOf(*found[side]);
    }
    for (const int side : {0, 1}) {
      if (found[side] != nullptr) continue;
      const ConfigView& view = *views_[side];
      const MetadataEntry& other = *found[1 - side];
      if (IsNeutral(other, key.gguf, *views_[1 - side])) {
        ++out_.compared;
        return;
      }
      if (view.kind != SideKind::kGguf) {
        texts[side] = "null";
        continue;
      }
      numbers[side] = GgufDefault(key.gguf, view.architecture, view.entries);
      if (key.rule == KeyRule::kRopeScaling) {
        const bool scales = IsScaledByFactor(view.architecture, view.entries);
        texts[side] = scales ? "\"linear\"" : "\"none\"";
      } else if (numbers[side]) {
        texts[side] = ShortNumber(*numbers[side]);
      } else {
        // Old files do not say the vocabulary's size; the embedding does.
        if (key.gguf != "vocab_size") {
          out_.unsettled.push_back(fmt::format("{}: {} does not say it", name, kSideNames[side]));
        }
        return;
      }
    }
    if (numbers[0] && numbers[1] && AsF32(*numbers[0]) == AsF32(*numbers[1]) &&
        (key.type == MetadataType::kF32 || *numbers[0] == *numbers[1])) {
      texts[1] = texts[0];
    }
    Field(name, std::move(texts[0]), std::move(texts[1]));
  }

  // Keys of one side that a conversion of the other's family would not write.
  void CompareExtras(const std::vector<std::string_view>& seen) {
    for (const int side : {0, 1}) {
      const std::string prefix = views_[side]->architecture + ".";
      for (const MetadataEntry& entry : views_[side]->entries) {
        if (entry.key.starts_with("adapter.") ||
            (entry.key == "general.type" && entry.value != MetadataValue(std::string("model")))) {
          OnlyOneHas(side, entry);
          continue;
        }
        if (!entry.key.starts_with(prefix)) continue;
        const std::string_view key = std::string_view(entry.key).substr(prefix.size());
        if (std::ranges::find(seen, key) == seen.end()) CompareExtra(side, key, AsOne(entry));
      }
    }
  }

  void CompareExtra(int side, std::string_view key, const MetadataEntry& entry) {
    const ConfigView& view = *views_[side];
    const ConfigView& other = *views_[1 - side];
    if (std::ranges::find(kUnreadKeys, key) != std::end(kUnreadKeys)) return;
    const auto number = Number(entry);
    std::optional<double> taken;  // by the other side
    if (const MetadataEntry* said = other.Find(key)) {
      if (side == 1) return;  // told for the first side
      taken = Number(*said);
    } else if (other.config) {
      taken = HubNumber(other, HubKeyOf(key));
    }
    ++out_.compared;
    if (number && taken) {
      if (AsF32(*number) == AsF32(*taken)) return;
    } else if (number && IsNeutralExtra(view, key, *number)) {
      return;
    }
    --out_.compared;
    OnlyOneHas(side, entry, taken ? ShortNumber(*taken) : "");
  }

  static std::optional<double> Number(const MetadataEntry& entry) {
    if (const auto* flag = std::get_if<bool>(&entry.value)) return *flag ? 1 : 0;
    return NumberOf(entry);
  }

  static std::optional<double> HubNumber(const ConfigView& view, std::string_view key) {
    if (key.empty()) return std::nullopt;
    const auto values = HubValues::Read(*view.config);
    if (!values) return std::nullopt;
    const auto number = values->Number(key);
    return number ? *number : std::nullopt;
  }

  static bool IsNeutralExtra(const ConfigView& view, std::string_view key, double number) {
    const auto taken = GgufDefault(key, view.architecture, view.entries);
    if (taken && AsF32(number) == AsF32(*taken)) return true;
    return std::ranges::any_of(kExtraKeys, [&](const ExtraKey& extra) {
      return extra.key == key && (number == extra.neutral || number == extra.also);
    });
  }

  void OnlyOneHas(int side, const MetadataEntry& entry, std::string other = {}) {
    ++out_.compared;
    std::string texts[2];
    texts[side] = ShortValue(entry.value, entry.type);
    texts[1 - side] = std::move(other);
    const bool is_sampling = entry.key.starts_with("general.sampling.");
    out_.differing.push_back({std::string(is_sampling ? "generation" : kArea), ShortKey(entry.key),
                              std::move(texts[0]), std::move(texts[1])});
  }

  static std::string NameOf(const ConfigKey& key) {
    if (key.rule == KeyRule::kRopeDimensions) return "rotated values of a head";
    if (key.gguf == "attention.value_length") return "head_dim (values)";
    if (key.gguf.starts_with("rope.scaling.") && key.rule == KeyRule::kPlain) {
      return fmt::format("rope_scaling.{}", key.hub);
    }
    return std::string(key.rule == KeyRule::kRopeScaling ? "rope_scaling.rope_type" : key.hub);
  }

  void CompareRope() {
    for (const int side : {0, 1}) {
      if (views_[side]->knows_rope) continue;
      if (!views_[1 - side]->rope.empty()) {
        out_.unsettled.push_back(
            fmt::format("the factors of scaled rotary frequencies: {}'s tensors cannot be read",
                        kSideNames[side]));
      }
      return;
    }
    for (const char* name : kRopeTensors) {
      const std::vector<float>* found[2];
      for (const int side : {0, 1}) {
        const auto at = views_[side]->rope.find(name);
        found[side] = at == views_[side]->rope.end() ? nullptr : &at->second;
      }
      if (found[0] == nullptr && found[1] == nullptr) continue;
      ++out_.compared;
      if (found[0] != nullptr && found[1] != nullptr) {
        const std::vector<double> expected(found[1]->begin(), found[1]->end());
        if (found[0]->size() == expected.size() && WithinFourUlp(*found[0], expected)) continue;
      }
      out_.differing.push_back({std::string(kArea), fmt::format("rope_scaling (as {})", name),
                                ListText(found[0]), ListText(found[1])});
    }
  }

  // The factors that differ most are the last.
  static std::string ListText(const std::vector<float>* values) {
    if (values == nullptr || values->empty()) return "null";
    return fmt::format("[{},…,{}]", values->front(), values->back());
  }

  void CompareSampling() {
    for (const MetadataEntry& entry : views_[0]->entries) {
      if (!entry.key.starts_with("general.sampling.")) continue;
      const MetadataEntry* other = FindMetadata(views_[1]->entries, entry.key);
      if (other == nullptr) continue;  // below
      ++out_.compared;
      if (NumberOf(entry) && NumberOf(entry) == NumberOf(*other)) continue;
      out_.differing.push_back({"generation", ShortKey(entry.key),
                                ShortValue(entry.value, entry.type),
                                ShortValue(other->value, other->type)});
    }
    // A conversion takes them from generation_config.json, and adds none; Meta's files have none.
    for (const int side : {0, 1}) {
      if (views_[side]->kind != SideKind::kGguf || views_[1 - side]->kind != SideKind::kHub)
        continue;
      for (const MetadataEntry& entry : views_[side]->entries) {
        if (!entry.key.starts_with("general.sampling.")) continue;
        if (FindMetadata(views_[1 - side]->entries, entry.key) == nullptr) OnlyOneHas(side, entry);
      }
    }
  }

  const ConfigView* views_[2];
  FieldComparison& out_;
};

// What every reader of a configuration tells.
void CompareShapes(const ModelConfig& a, const ModelConfig& b, FieldComparison& out) {
  using Count = std::optional<std::uint64_t>;
  const auto field = [&](std::string_view name, const auto& in_a, const auto& in_b) {
    if (!in_a || !in_b) return;
    ++out.compared;
    if (*in_a == *in_b) return;
    out.differing.push_back({std::string(kArea), std::string(name), fmt::format("{}", *in_a),
                             fmt::format("{}", *in_b)});
  };
  const auto kv_heads = [](const ModelConfig& config) -> Count {
    // Legacy GGML does not say it, and its readers ask what stands beside it.
    return config.heads_vary ? std::nullopt : config.n_kv_heads;
  };
  const auto head_dim = [](const ModelConfig& config) -> Count {
    if (config.head_dim) return config.head_dim;
    if (!config.hidden_size || config.n_heads.value_or(0) == 0) return std::nullopt;
    return *config.hidden_size / *config.n_heads;
  };
  field("num_hidden_layers", a.n_layers, b.n_layers);
  field("hidden_size", a.hidden_size, b.hidden_size);
  field("intermediate_size", a.ffn_size, b.ffn_size);
  field("num_attention_heads", a.n_heads, b.n_heads);
  field("num_key_value_heads", kv_heads(a), kv_heads(b));
  field("head_dim", head_dim(a), head_dim(b));
  field("vocab_size", a.vocab_size, b.vocab_size);
  field("num_experts", a.n_experts, b.n_experts);
  const auto theta = [](const ModelConfig& config) -> std::optional<float> {
    return config.rope_theta ? std::optional(AsF32(*config.rope_theta)) : std::nullopt;
  };
  field("rope_theta", theta(a), theta(b));
}

// config.json's ids against GGUF's.
void CompareIds(const ConfigView& hub, const ConfigView& gguf, bool hub_is_a,
                FieldComparison& out) {
  struct Id {
    const char* hub;
    const char* gguf;
  };
  constexpr Id kIds[] = {{"bos_token_id", "tokenizer.ggml.bos_token_id"},
                         {"eos_token_id", "tokenizer.ggml.eos_token_id"}};
  for (const Id& id : kIds) {
    auto said = hub.config->Root().Find(id.hub);
    if (const auto text = hub.config->Root().Find("text_config"); !said && text) {
      said = text->Find(id.hub);
    }
    const MetadataEntry* other = FindMetadata(gguf.entries, id.gguf);
    if (!said || other == nullptr) continue;
    // Several may end a text; GGUF names one.
    std::vector<JsonValue> ids = said->Items();
    if (!said->IsArray()) ids.push_back(*said);
    if (said->GetKind() == JsonValue::Kind::kNull) continue;
    ++out.compared;
    const auto number = NumberOf(*other);
    if (std::ranges::any_of(ids, [&](const JsonValue& one) { return one.AsDouble() == number; })) {
      continue;
    }
    std::string texts[] = {ShortValue(*said), ShortValue(other->value, other->type)};
    if (!hub_is_a) std::swap(texts[0], texts[1]);
    out.differing.push_back({"tokenizer", id.hub, std::move(texts[0]), std::move(texts[1])});
  }
}

}  // namespace

Result<void> CompareConfigurations(const FieldSide& a, const FieldSide& b, bool with_ids,
                                   const Task& task, FieldComparison& out) {
  const FieldSide* sides[] = {&a, &b};
  const auto has = [](const FieldSide& side) {
    // A file that cannot be read is told when it is.
    return !side.GetModel().Config().source.empty() || side.Kind() == SideKind::kGguf ||
           side.Has("config.json") || side.Has("params.json");
  };
  if (has(a) && !has(b)) b.NoteAbsent("configuration");
  if (has(b) && !has(a)) a.NoteAbsent("configuration");
  if (!has(a) || !has(b)) return {};

  std::optional<ConfigView> views[2];
  for (const int i : {0, 1}) {
    if (sides[i]->Kind() == SideKind::kNone || sides[1 - i]->Kind() == SideKind::kNone) continue;
    auto view = ViewOf(*sides[i], task);
    if (view) {
      views[i] = *std::move(view);
    } else if (view.error().code == Errc::kInterrupted) {
      return std::move(view).error();
    } else if (view.error().code != Errc::kNotFound) {
      sides[i]->NoteUnusable("configuration", view.error());
    }
  }
  if (!views[0] || !views[1]) {
    const bool are_whole =
        a.Kind() != SideKind::kNone && b.Kind() != SideKind::kNone;  // others say only the shape
    (are_whole ? out.unsettled : out.not_compared)
        .push_back("the configuration beyond the shape: these two have no common form for it");
    CompareShapes(a.GetModel().Config(), b.GetModel().Config(), out);
    return {};
  }
  ConfigComparison(*views[0], *views[1], out).Compare();
  if (!with_ids) return {};
  if (views[0]->kind == SideKind::kHub && views[1]->kind == SideKind::kGguf) {
    CompareIds(*views[0], *views[1], true, out);
  } else if (views[0]->kind == SideKind::kGguf && views[1]->kind == SideKind::kHub) {
    CompareIds(*views[1], *views[0], false, out);
  }
  return {};
}

}  // namespace hallmark
