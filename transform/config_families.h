// What configurations consist of, as data: every family's keys of config.json (Hugging Face) and of
// GGUF. Conversions in both directions read the same rows; docs/conversion-config.md explains them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "formats/metadata.h"
#include "src/model/architecture.h"

namespace hallmark {

enum class KeyRule : std::uint8_t {
  kPlain,           // one value, the same on both sides
  kRopeScaling,     // the keys of a RopeKind, where frequencies are scaled
  kRopeDimensions,  // how many values of a head are rotated; config.json has it as a fraction or
                    // not
  kFileType,        // GGUF only: how most of the weights are stored
};

// One key of GGUF and what config.json calls it. Two rows may share one hub key.
struct ConfigKey {
  std::string_view gguf;  // after "ARCHITECTURE."; all of it for kFileType
  std::string_view hub;   // "rope_theta" and the like stand for every place they can be in
  MetadataType type;      // kU32 or kF32
  bool required = false;  // no default on either side
  KeyRule rule = KeyRule::kPlain;
};

// What transformers takes where config.json has no such key.
enum class DefaultKind : std::uint8_t {
  kNumber,        // `number`; a null stays "none"
  kNumberOrNull,  // `number`, also for a null
  kHeads,         // num_attention_heads, also for a null
  kHeadWidth,     // hidden_size / num_attention_heads, also for a null
};
struct HubDefault {
  std::string_view hub;
  DefaultKind kind;
  double number = 0;
};

// What GGUF has no key for, with the one value that its readers take.
struct HubConstant {
  std::string_view hub;
  std::string_view literal;      // as JSON
  std::string_view also = {};    // a second literal of the same meaning
  bool absent_is_other = false;  // where config.json does not say it, transformers takes another
};

// A way of scaling rotary frequencies and the keys it has, in GGUF's order.
struct RopeKind {
  std::string_view name;  // config.json's rope_type
  bool in_gguf;           // GGUF names it in rope.scaling.type; else it is a tensor there
  std::span<const ConfigKey> keys;
};
const RopeKind* FindRopeKind(std::string_view name);  // null: not known

// Which biases a family's layers may have.
enum class Biases : std::uint8_t {
  kNone,
  kQkv,           // always: of q, k and v, not of o
  kAttention,     // where attention_bias is true: of q, k, v and o
  kAttentionFfn,  // so, and where mlp_bias is true those of the feed-forward block
};

struct ConfigFamily {
  std::string_view model_type;                       // config.json's
  std::string_view class_name;                       // config.json's "architectures"
  std::span<const std::span<const ConfigKey>> keys;  // in the order in which GGUF files have them
  std::span<const HubDefault> defaults;
  std::span<const HubConstant> constants;
  std::span<const std::string_view> rope_types;  // beside "default"
  Biases biases = Biases::kNone;
  // Every layer whose number, from 1, is a multiple of it attends to everything, others to a
  // window.
  unsigned full_attention_period = 1;

  // general.architecture.
  std::string_view Gguf() const { return FindArchitecture(model_type)->gguf; }
};

std::span<const ConfigFamily> AllConfigFamilies();
// By config.json's model_type; a vision model's counts as its text model's ("gemma3" as
// "gemma3_text"). Null: no row.
const ConfigFamily* FindConfigFamily(std::string_view model_type);

// Gemma 2 and 3 divide attention by the root of query_pre_attn_scalar. Readers of GGUF know the
// 27B models of both by their number of layers, and take the head dimension for all others.
// nullopt: another family.
std::optional<std::uint64_t> AssumedQueryScalar(const ConfigFamily& family, std::uint64_t layers,
                                                std::uint64_t hidden_size, std::uint64_t heads,
                                                std::uint64_t head_dim);

}  // namespace hallmark
