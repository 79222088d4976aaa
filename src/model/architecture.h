// Architectures as data: what Meta, Hugging Face and GGUF call each tensor and how they lay it out.
// docs/tensor-names.md shows these tables.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hallmark {

// Told by the names themselves, not by the container. Legacy GGML uses Meta's names.
enum class NameScheme : std::uint8_t { kMeta, kHuggingFace, kGguf };
inline constexpr NameScheme kNameSchemes[] = {NameScheme::kMeta, NameScheme::kHuggingFace,
                                              NameScheme::kGguf};
std::string_view NameSchemeName(NameScheme scheme);  // "meta", "huggingface", "gguf"

// The axis on which Meta's model-parallel shards of a tensor are joined.
enum class ShardAxis : std::uint8_t {
  kReplicated,  // every shard holds all of it
  kRows,        // column-parallel: axis 0; its bias too
  kColumns,     // row-parallel: axis 1; its bias is replicated
  kEmbedding,   // columns if a shard has fewer columns than the model is wide, else rows
};

enum class TensorRole : std::uint8_t {
  kPlain,
  kQuery,  // rows are rotary pairs of the query heads
  kKey,    // rows are rotary pairs of the key heads
  kValue,  // rows are key heads
  kNorm,
};

// One tensor of an architecture, in every scheme; empty: the scheme has no name for it. Names lack
// their suffix (.weight or .bias). A component "#" stands for a number: first the layer, then the
// expert. A stored name with one "#" less than `canonical` holds all experts, stacked on its
// outermost dimension.
struct TensorRule {
  std::string_view canonical;  // Hugging Face
  std::string_view meta;
  std::string_view gguf;
  ShardAxis axis;
  TensorRole role;

  std::string_view Name(NameScheme scheme) const;
};

// Rules that several architectures share.
struct RuleSet {
  std::string_view name;
  std::span<const TensorRule> rules;
};

struct Architecture {
  std::string_view name;
  std::span<const std::string_view> model_types;  // config.json's model_type
  std::string_view gguf;                          // general.architecture
  bool gguf_interleaved;                          // q/k rows in GGUF are (head, i, half)
  bool gguf_norms_plus_one;                       // norm weights in GGUF are 1 + w
  std::span<const RuleSet> rule_sets;
};

std::span<const Architecture> AllArchitectures();
// By general.architecture or by model_type; null: no row.
const Architecture* FindArchitecture(std::string_view name);

// Canonical names of an output embedding and the input embedding it may repeat, in every row.
inline constexpr std::string_view kOutputEmbedding = "lm_head.weight";
inline constexpr std::string_view kInputEmbedding = "model.embed_tokens.weight";

// A stored name, understood.
struct NameMatch {
  const TensorRule* rule;
  std::string_view layer, expert;  // decimal digits; empty where the name has none
  std::string_view suffix;         // "weight" or "bias"
  bool stacks_experts;             // all experts in one tensor

  bool IsBias() const { return suffix == "bias"; }
  // With `expert_number` where the name stacks experts.
  std::string CanonicalName(std::optional<std::uint64_t> expert_number = std::nullopt) const;
};

// The rule for `stored_name` among those of `architecture`, or of every architecture if it is null:
// Meta's and Hugging Face's names mean the same in all rows, GGUF's do not. The match refers to
// `stored_name`, which must outlive it.
std::optional<NameMatch> MatchName(NameScheme scheme, const Architecture* architecture,
                                   std::string_view stored_name);

// Whether `rule`, found among those of every architecture, is one of `architecture` too.
bool HasRule(NameScheme scheme, const Architecture& architecture, const TensorRule& rule);

// Whether a dot-component numbers layers or experts: "0", or up to nine digits that do not begin
// with 0. The groups of docs/identity.md, section 2, are cut at the first.
bool IsNumberComponent(std::string_view component);

}  // namespace hallmark
