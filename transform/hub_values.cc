#include "transform/hub_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"

namespace hallmark {
namespace {

using Kind = JsonValue::Kind;

bool IsNull(const std::optional<JsonValue>& value) {
  return !value || value->GetKind() == Kind::kNull;
}

std::optional<JsonValue> FindObject(const JsonValue& object, std::string_view key) {
  auto value = object.Find(key);
  return value && value->IsObject() ? value : std::nullopt;
}

struct Spelling {
  std::string_view key, other;
};
constexpr Spelling kSpellings[] = {
    {"num_experts", "num_local_experts"},
    {"num_local_experts", "num_experts"},
};

}  // namespace

Result<HubValues> HubValues::Read(const JsonDocument& config) {
  HubValues values(config);
  if (!values.root_.IsObject()) {
    return Error{Errc::kMalformed, config.Subject(), "this is not a JSON object"};
  }
  values.text_ = FindObject(values.root_, "text_config");

  const auto type = values.FindPlain("model_type");
  const auto name = type ? type->AsString() : std::nullopt;
  if (!name) return values.NotSaid("model_type");
  values.family_ = FindConfigFamily(*name);
  if (values.family_ == nullptr) {
    return Error{Errc::kUnsupported, config.Subject(),
                 fmt::format("the model_type {} is not known", EscapeForPeople(*name)),
                 std::nullopt,
                 "docs/conversion-config.md lists the families whose configuration is converted"};
  }

  // Transformers 4 nests nothing: rope_scaling is that of the full-attention layers.
  for (const std::string_view key : {"rope_parameters", "rope_scaling"}) {
    const auto rope = values.FindPlain(key);
    if (!rope || !rope->IsObject()) continue;
    values.rope_ = rope;
    if (const auto full = FindObject(*rope, "full_attention")) values.rope_ = full;
    values.sliding_rope_ = FindObject(*rope, "sliding_attention");
    break;
  }
  return values;
}

std::optional<JsonValue> HubValues::FindPlain(std::string_view key) const {
  if (text_) {
    if (auto value = text_->Find(key)) return value;
  }
  return root_.Find(key);
}

std::optional<JsonValue> HubValues::Find(std::string_view key) const {
  if (key == "rope_local_base_freq") {
    if (sliding_rope_) {
      if (auto value = sliding_rope_->Find("rope_theta")) return value;
    }
    return FindPlain(key);
  }
  if (key == "rope_theta" || key == "partial_rotary_factor") {
    if (auto value = FindRope(key); !IsNull(value)) return value;
    return FindPlain(key);
  }
  auto value = FindPlain(key);
  if (key == "original_max_position_embeddings" && IsNull(value)) return FindRope(key);
  for (const Spelling& spelling : kSpellings) {
    if (!value && spelling.key == key) value = FindPlain(spelling.other);
  }
  return value;
}

std::optional<JsonValue> HubValues::FindRope(std::string_view key) const {
  if (!rope_) return std::nullopt;
  auto value = rope_->Find(key);
  if (!value && key == "attention_factor") value = rope_->Find("attn_factor");
  return value;
}

Error HubValues::WrongKind(std::string_view key, std::string_view wanted) const {
  return Error{Errc::kMalformed, subject_, fmt::format("{} is not {}", key, wanted)};
}

Error HubValues::NotSaid(std::string_view key) const {
  return Error{Errc::kMalformed, subject_, fmt::format("{} is missing", key)};
}

Result<std::optional<double>> HubValues::Default(std::string_view key, bool is_null) const {
  for (const HubDefault& fallback : family_->defaults) {
    if (fallback.hub != key) continue;
    switch (fallback.kind) {
      case DefaultKind::kNumber:
        if (is_null) break;
        return std::optional(fallback.number);
      case DefaultKind::kNumberOrNull:
        return std::optional(fallback.number);
      case DefaultKind::kHeads:
        return std::optional(static_cast<double>(HM_TRY(Heads())));
      case DefaultKind::kHeadWidth: {
        const std::uint64_t hidden = HM_TRY(RequiredInteger("hidden_size"));
        return std::optional(static_cast<double>(hidden / HM_TRY(Heads())));
      }
    }
  }
  return std::optional<double>();
}

Result<std::optional<std::uint64_t>> HubValues::Integer(std::string_view key) const {
  const auto value = Find(key);
  if (IsNull(value)) {
    const auto fallback = HM_TRY(Default(key, value.has_value()));
    if (!fallback) return std::optional<std::uint64_t>();
    return std::optional(static_cast<std::uint64_t>(*fallback));
  }
  const auto number = value->AsU64();
  // GGUF's counts have 32 bits; so do those of everybody else.
  if (!number || *number > UINT32_MAX) return WrongKind(key, "a whole number below 2^32");
  return number;
}

Result<std::optional<double>> HubValues::Number(std::string_view key) const {
  const auto value = Find(key);
  if (IsNull(value)) return Default(key, value.has_value());
  const auto number = value->AsDouble();
  if (!number) return WrongKind(key, "a number");
  return number;
}

Result<std::uint64_t> HubValues::RequiredInteger(std::string_view key) const {
  const auto number = HM_TRY(Integer(key));
  if (!number) return NotSaid(key);
  return *number;
}

Result<double> HubValues::RequiredNumber(std::string_view key) const {
  const auto number = HM_TRY(Number(key));
  if (!number) return NotSaid(key);
  return *number;
}

Result<std::uint64_t> HubValues::Heads() const {
  const std::uint64_t heads = HM_TRY(RequiredInteger("num_attention_heads"));
  if (heads == 0) return WrongKind("num_attention_heads", "a number above 0");
  return heads;
}

Result<std::uint64_t> HubValues::HeadDim() const {
  if (const auto said = HM_TRY(Integer("head_dim"))) return *said;
  return HM_TRY(RequiredInteger("hidden_size")) / HM_TRY(Heads());
}

Result<std::uint64_t> HubValues::RopeDimensions() const {
  const auto fraction = HM_TRY(Number("partial_rotary_factor"));
  const std::uint64_t head_dim = HM_TRY(HeadDim());
  if (!fraction || *fraction == 1) return head_dim;
  if (!(*fraction > 0 && *fraction < 1)) return WrongKind("partial_rotary_factor", "from 0 to 1");
  if (family_->model_type != "phi3") {
    return Error{Errc::kUnsupported, subject_,
                 fmt::format("partial_rotary_factor {} in a model of type {}", *fraction,
                             family_->model_type)};
  }
  const auto hidden = static_cast<double>(HM_TRY(RequiredInteger("hidden_size")));
  return static_cast<std::uint64_t>(*fraction * hidden) /
         HM_TRY(Heads());  // as llama.cpp's converter rounds
}

Result<const RopeKind*> HubValues::Rope() const {
  std::string name = "default";
  for (const std::string_view key : {"type", "rope_type"}) {  // the later one wins
    const auto value = FindRope(key);
    if (IsNull(value)) continue;
    const auto text = value->AsString();
    if (!text) return WrongKind("rope_type", "a text");
    name = *text;
  }
  const RopeKind* kind = FindRopeKind(name);
  const auto& known = family_->rope_types;
  if (kind == nullptr || (kind->name != "default" &&
                          std::find(known.begin(), known.end(), kind->name) == known.end())) {
    return Error{Errc::kUnsupported, subject_,
                 fmt::format("rotary frequencies scaled as {} in a model of type {}",
                             EscapeForPeople(name), family_->model_type)};
  }
  return kind;
}

Result<std::optional<double>> HubValues::RopeNumber(std::string_view key) const {
  const auto value = FindRope(key);
  if (IsNull(value)) return std::optional<double>();
  const auto number = value->AsDouble();
  if (!number) return WrongKind(key, "a number");
  return number;
}

Result<std::vector<double>> HubValues::RopeNumbers(std::string_view key) const {
  const auto value = FindRope(key);
  if (IsNull(value)) return NotSaid(key);
  if (!value->IsArray()) return WrongKind(key, "a list of numbers");
  std::vector<double> numbers;
  for (const JsonValue& item : value->Items()) {
    const auto number = item.AsDouble();
    if (!number) return WrongKind(key, "a list of numbers");
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<std::string> HubValues::UnknownRopeKeys(const RopeKind& kind) const {
  std::vector<std::string> unknown;
  if (!rope_) return unknown;
  for (const JsonMember& member : rope_->Members()) {
    constexpr std::string_view kCommon[] = {"type",        "rope_type",
                                            "rope_theta",  "partial_rotary_factor",
                                            "attn_factor", "original_max_position_embeddings"};
    const auto is_member = [&](const ConfigKey& key) { return key.hub == member.key; };
    if (member.value.GetKind() == Kind::kNull ||
        std::find(std::begin(kCommon), std::end(kCommon), member.key) != std::end(kCommon) ||
        std::any_of(kind.keys.begin(), kind.keys.end(), is_member)) {
      continue;
    }
    unknown.emplace_back(member.key);
  }
  return unknown;
}

}  // namespace hallmark
