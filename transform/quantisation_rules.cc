#include "transform/quantisation_rules.h"

#include <algorithm>
#include <initializer_list>

namespace hallmark {
namespace {

// A set of file types.
class Mixes {
 public:
  constexpr Mixes(std::initializer_list<FileType> types) {
    for (const FileType type : types) bits_ |= Bit(type);
  }
  constexpr bool Contains(FileType type) const { return (bits_ & Bit(type)) != 0; }
  constexpr Mixes operator|(Mixes other) const { return Mixes(bits_ | other.bits_); }
  constexpr Mixes operator~() const { return Mixes(~bits_); }

 private:
  constexpr explicit Mixes(std::uint64_t bits) : bits_(bits) {}
  static constexpr std::uint64_t Bit(FileType type) {
    return std::uint64_t{1} << static_cast<std::uint32_t>(type);
  }
  std::uint64_t bits_ = 0;
};

// The first row that fits decides.
struct Rule {
  WeightKind part;
  Mixes mixes;
  Circumstances when;  // all of them
  Dtype dtype;
};

using enum FileType;
using Part = WeightKind;

constexpr Mixes kAll = ~Mixes{};
constexpr Mixes kIq1 = {kIq1S, kIq1M};
constexpr Mixes kIq2Xxss = {kIq2Xxs, kIq2Xs};
constexpr Mixes kIq2Sm = {kIq2S, kIq2M};
constexpr Mixes kLowest = kIq1 | kIq2Xxss | kIq2Sm;
constexpr Mixes kOthers = ~kLowest;

// clang-format off
constexpr Rule kRules[] = {
    {Part::kOutput, {kMxfp4Moe},       kAlways,     Dtype::kQ8_0},
    {Part::kOutput, kAll,              kFalcon,     Dtype::kQ8_0},
    {Part::kOutput, kAll,              kUnevenRows, Dtype::kQ8_0},
    {Part::kOutput, kLowest | Mixes{kIq3Xxs}, kAlways, Dtype::kQ5_K},
    {Part::kOutput, {kQ8_0},           kAlways,     Dtype::kQ8_0},
    {Part::kOutput, kAll,              kAlways,     Dtype::kQ6_K},

    {Part::kEmbedding, kIq1 | kIq2Xxss,          kAlways, Dtype::kQ2_K},
    {Part::kEmbedding, kIq2Sm | Mixes{kIq3Xxs},  kAlways, Dtype::kIq3S},
    {Part::kEmbedding, {kTq1_0, kTq2_0, kQ2_0},  kAlways, Dtype::kQ4_K},

    {Part::kValue, kLowest,            kGrouped,      Dtype::kQ4_K},
    {Part::kValue, kLowest,            kFourExperts,  Dtype::kQ4_K},
    {Part::kValue, kIq2Sm,             kAlways,       Dtype::kIq3S},
    {Part::kValue, kLowest,            kAlways,       Dtype::kQ2_K},
    {Part::kValue, kOthers,            kEightExperts, Dtype::kQ8_0},
    {Part::kValue, {kQ2_K, kQ2_K_S},   kGrouped,      Dtype::kQ4_K},
    {Part::kValue, {kIq3Xxs, kIq3Xs, kIq3S}, kGrouped, Dtype::kQ4_K},
    {Part::kValue, {kIq4Nl, kIq4Xs},   kGrouped,      Dtype::kQ5_K},
    {Part::kValue, {kQ2_K},            kAlways,       Dtype::kQ3_K},
    {Part::kValue, {kIq3Xxs},          kNoImportance, Dtype::kIq3S},
    {Part::kValue, {kIq3M},            kAlways,       Dtype::kQ4_K},
    {Part::kValue, {kQ3_K_M},          kFirstTwo,     Dtype::kQ5_K},
    {Part::kValue, {kQ3_K_M},          kAlways,       Dtype::kQ4_K},
    {Part::kValue, {kQ3_K_L},          kAlways,       Dtype::kQ5_K},
    {Part::kValue, {kQ4_K_S},          kFirstFour,    Dtype::kQ5_K},
    {Part::kValue, {kQ4_K_M, kQ5_K_M}, kMoreBits,     Dtype::kQ6_K},

    {Part::kKey,   kLowest,   kEightExperts, Dtype::kQ4_K},
    {Part::kKey,   kOthers,   kEightExperts, Dtype::kQ8_0},
    {Part::kKey,   {kIq3Xs},  kAlways,       Dtype::kIq3Xxs},
    {Part::kKey,   {kIq3Xxs}, kAlways,       Dtype::kIq2S},
    {Part::kQuery, {kIq3Xs},  kAlways,       Dtype::kIq3Xxs},
    {Part::kQuery, {kIq3Xxs}, kAlways,       Dtype::kIq2S},

    {Part::kAttentionOutput, kLowest,   kEightExperts, Dtype::kQ5_K},
    {Part::kAttentionOutput, kIq1,      kAlways,       Dtype::kIq2Xxs},
    {Part::kAttentionOutput, kIq2Sm,    kAlways,       Dtype::kIq3S},
    {Part::kAttentionOutput, {kQ3_K_L}, kFalcon,       Dtype::kQ4_K},
    {Part::kAttentionOutput,
     {kQ2_K, kQ3_K_S, kQ3_K_M, kQ4_K_S, kQ4_K_M, kIq3Xxs, kIq3Xs, kIq3S, kIq3M, kIq4Nl, kIq4Xs},
     kNotFalcon | kEightExperts, Dtype::kQ5_K},
    {Part::kAttentionOutput, {kQ2_K},   kNotFalcon,    Dtype::kQ3_K},
    {Part::kAttentionOutput, {kIq3Xxs}, kNotFalcon,    Dtype::kIq3S},
    {Part::kAttentionOutput, {kQ3_K_M, kIq3M}, kNotFalcon, Dtype::kQ4_K},
    {Part::kAttentionOutput, {kQ3_K_L}, kNotFalcon | kNotEightExperts, Dtype::kQ5_K},

    {Part::kDown, kIq2Sm,           kFirstEighth, Dtype::kIq3S},
    {Part::kDown, kLowest,          kFirstEighth, Dtype::kQ2_K},
    {Part::kDown, {kQ2_K},          kAlways,      Dtype::kQ3_K},
    {Part::kDown, {kQ2_K_S},        kFirstEighth, Dtype::kQ4_K},
    {Part::kDown, {kIq3Xxs},        kNoImportance | kFirstEighth, Dtype::kQ4_K},
    {Part::kDown, {kIq3Xxs},        kNoImportance, Dtype::kQ3_K},
    {Part::kDown, {kIq3M},          kFirstEighth, Dtype::kQ4_K},
    {Part::kDown, {kIq3M},          kEightExperts | kMoreBits, Dtype::kQ4_K},
    {Part::kDown, {kQ3_K_M},        kFirstSixteenth, Dtype::kQ5_K},
    {Part::kDown, {kQ3_K_M},        kNotFalcon,   Dtype::kQ4_K},
    {Part::kDown, {kQ3_K_M},        kMoreBits,    Dtype::kQ4_K},
    {Part::kDown, {kQ3_K_L},        kFalcon,      Dtype::kQ4_K},
    {Part::kDown, {kQ3_K_L},        kAlways,      Dtype::kQ5_K},
    {Part::kDown, {kQ4_K_S},        kNotFalcon | kFirstEighth, Dtype::kQ5_K},
    {Part::kDown, {kQ4_K_M},        kFalcon | kFirstSixteenth, Dtype::kQ6_K},
    {Part::kDown, {kQ4_K_M},        kFalcon | kMoreBits, Dtype::kQ5_K},
    {Part::kDown, {kQ4_K_M},        kNotFalcon | kMoreBits, Dtype::kQ6_K},
    {Part::kDown, {kQ5_K_M},        kMoreBits,    Dtype::kQ6_K},
    {Part::kDown, {kIq4Nl, kIq4Xs}, kNoImportance | kFirstEighth, Dtype::kQ5_K},
    {Part::kDown, {kQ4_0},          kImportance | kFirstEighth, Dtype::kQ4_1},
    {Part::kDown, {kQ5_0},          kImportance | kFirstEighth, Dtype::kQ5_1},

    {Part::kGate, {kIq3Xs}, kMiddle, Dtype::kIq3Xxs},
    {Part::kUp,   {kIq3Xs}, kMiddle, Dtype::kIq3Xxs},
};

struct PartName {
  std::string_view held;  // anywhere in the name
  WeightKind part;
};
// The first that fits decides.
constexpr PartName kPartNames[] = {
    {"attn_qkv.weight",    Part::kValue},
    {"attn_kv_b.weight",   Part::kValue},
    {"attn_v.weight",      Part::kValue},
    {"attn_k.weight",      Part::kKey},
    {"attn_q.weight",      Part::kQuery},
    {"attn_output.weight", Part::kAttentionOutput},
    {"ffn_up",             Part::kUp},
    {"ffn_gate",           Part::kGate},
    {"ffn_down",           Part::kDown},
};

struct KeptName {
  std::string_view held;  // anywhere in the name
  std::string_view because;
};
constexpr std::string_view kSmall = "too small to gain by it";
constexpr std::string_view kPosition = "a position embedding";
constexpr std::string_view kVision = "part of a vision tower";
constexpr std::string_view kRouting = "chooses experts";
constexpr std::string_view kConvolution = "a short convolution";
constexpr std::string_view kCodebook = "a codebook";
constexpr KeptName kKeptNames[] = {
    {"_norm.weight",                 "a norm"},
    {"ffn_gate_inp.weight",          kRouting},
    {"ffn_gate_tid2eid.weight",      kRouting},
    {"altup",                        kSmall},
    {"laurel",                       kSmall},
    {"per_layer_model_proj",         kSmall},
    {"ssm_conv1d",                   kConvolution},
    {"shortconv.conv.weight",        kConvolution},
    {"indexer.k_proj.weight",        kSmall},
    {"indexer.q_proj.weight",        kSmall},
    {"time_mix_first.weight",        kSmall},
    {"time_mix_w0.weight",           kSmall},
    {"time_mix_w1.weight",           kSmall},
    {"time_mix_w2.weight",           kSmall},
    {"time_mix_v0.weight",           kSmall},
    {"time_mix_v1.weight",           kSmall},
    {"time_mix_v2.weight",           kSmall},
    {"time_mix_a0.weight",           kSmall},
    {"time_mix_a1.weight",           kSmall},
    {"time_mix_a2.weight",           kSmall},
    {"time_mix_g1.weight",           kSmall},
    {"time_mix_g2.weight",           kSmall},
    {"time_mix_decay_w1.weight",     kSmall},
    {"time_mix_decay_w2.weight",     kSmall},
    {"time_mix_lerp_fused.weight",   kSmall},
    {"attn_rel_b.weight",            kPosition},
    {".position_embd",               kPosition},
    {"sam.pos_embd",                 kPosition},
    {".rel_pos",                     kPosition},
    {"sam.neck.",                    kVision},
    {"sam.net_",                     kVision},
    {".patch_embd",                  kVision},
    {".patch_merger",                kVision},
    {"a.rvq.codebook",               kCodebook},
    {"mm.a.code_embd",               kCodebook},
};

struct Fallback {
  Dtype dtype;
  Dtype instead;
};
constexpr Fallback kFallbacks[] = {
    {Dtype::kIq1S,   Dtype::kIq4Nl}, {Dtype::kIq1M,   Dtype::kIq4Nl},
    {Dtype::kIq2Xxs, Dtype::kIq4Nl}, {Dtype::kIq2Xs,  Dtype::kIq4Nl},
    {Dtype::kIq2S,   Dtype::kIq4Nl}, {Dtype::kIq3Xxs, Dtype::kIq4Nl},
    {Dtype::kIq3S,   Dtype::kIq4Nl}, {Dtype::kIq4Xs,  Dtype::kIq4Nl},
    {Dtype::kQ2_0,   Dtype::kQ4_0},  {Dtype::kQ2_K,   Dtype::kQ4_0},
    {Dtype::kQ3_K,   Dtype::kQ4_0},  {Dtype::kTq1_0,  Dtype::kQ4_0},
    {Dtype::kTq2_0,  Dtype::kQ4_0},  {Dtype::kQ4_K,   Dtype::kQ5_0},
    {Dtype::kQ5_K,   Dtype::kQ5_1},  {Dtype::kQ6_K,   Dtype::kQ8_0},
};
// clang-format on

bool Holds(std::string_view name, std::string_view part) {
  return name.find(part) != std::string_view::npos;
}

// As ggml counts dimensions: up to the outermost that is more than 1.
bool IsVector(const Shape& shape) {
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
    if (shape[i] > 1) return false;
  }
  return true;
}

}  // namespace

WeightKind PartOf(std::string_view name) {
  if (name == "output.weight") return WeightKind::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
    return WeightKind::kEmbedding;
  }
  for (const PartName& row : kPartNames) {
    if (Holds(name, row.held)) return row.part;
  }
  return WeightKind::kOther;
}

std::string_view KeptBecause(std::string_view name, const Shape& shape) {
  if (IsVector(shape)) return "a vector";
  if (!name.ends_with("weight")) return "its name does not end with weight";
  if (name == "position_embd.weight") return kPosition;
  if (name == "token_types.weight") return "an embedding of token types";
  for (const KeptName& row : kKeptNames) {
    if (Holds(name, row.held)) return row.because;
  }
  return {};
}

Circumstances PlaceOf(std::uint64_t i, std::uint64_t n) {
  const std::uint64_t first = n / 8;
  const std::uint64_t last = 7 * (n / 8) + 7 * (n % 8) / 8;  // 7 * n / 8, which could overflow
  Circumstances place = kAlways;
  if (i < 2) place |= kFirstTwo;
  if (i < 4) place |= kFirstFour;
  if (i < n / 16) place |= kFirstSixteenth;
  if (i < first) place |= kFirstEighth;
  if (i >= first && i < last) place |= kMiddle;
  if (i < first || i >= last || (i - first) % 3 == 2) place |= kMoreBits;
  return place;
}

std::optional<Dtype> DtypeByRules(FileType file_type, WeightKind part,
                                  Circumstances circumstances) {
  // This one asks for the shape where all others ask for the part.
  if (file_type == kMxfp4Moe && part != WeightKind::kOutput) {
    return (circumstances & kStacked) != 0 ? Dtype::kMxfp4 : Dtype::kQ8_0;
  }
  for (const Rule& rule : kRules) {
    const bool fits =
        rule.part == part && rule.mixes.Contains(file_type) && (rule.when & ~circumstances) == 0;
    if (fits) return rule.dtype;
  }
  return std::nullopt;
}

bool IsLowestMix(FileType file_type) { return kLowest.Contains(file_type); }

std::optional<Dtype> FallbackOf(Dtype dtype) {
  const auto* const row = std::ranges::find(kFallbacks, dtype, &Fallback::dtype);
  if (row != std::ranges::end(kFallbacks)) return row->instead;
  // Of blocks as small as any there is nothing smaller but single values.
  if (InfoOf(dtype).block_values <= 32) return dtype;
  return std::nullopt;
}

bool NeedsImportance(FileType file_type, Dtype dtype) {
  switch (dtype) {
    case Dtype::kIq1S:
    case Dtype::kIq1M:
    case Dtype::kIq2Xxs:
    case Dtype::kIq2Xs:
    case Dtype::kIq2S:
    case Dtype::kIq3Xxs:
      return true;
    case Dtype::kQ2_K:
      return file_type == kQ2_K_S;
    default:
      return false;
  }
}

}  // namespace hallmark
