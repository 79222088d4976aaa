// Reads config.json by meaning: whichever place and spelling a value has, with the defaults of its
// family where it is not said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/json/json_reader.h"
#include "transform/config_families.h"

namespace hallmark {

// Refers to the JsonDocument, which must outlive it. Immutable, safe to share.
//
// Keys are those of one flat config.json of transformers 4: "rope_theta", "rope_local_base_freq",
// "partial_rotary_factor" and "original_max_position_embeddings" are also found in rope_parameters
// (transformers 5) and rope_scaling, "num_experts" also as num_local_experts. Where a text model is
// nested ("text_config"), its keys come first.
class HubValues {
 public:
  // kMalformed if it is no JSON object; kUnsupported for a model_type without a row.
  static Result<HubValues> Read(const JsonDocument& config);

  const ConfigFamily& Family() const { return *family_; }
  const std::string& Subject() const { return subject_; }

  // What the file says, null included; no defaults.
  std::optional<JsonValue> Find(std::string_view key) const;
  // Defaults included. nullopt: not said, or null. kMalformed: said, but of another kind.
  Result<std::optional<std::uint64_t>> Integer(std::string_view key) const;
  Result<std::optional<double>> Number(std::string_view key) const;
  // The same, but kMalformed where it is not said.
  Result<std::uint64_t> RequiredInteger(std::string_view key) const;
  Result<double> RequiredNumber(std::string_view key) const;

  Result<std::uint64_t> Heads() const;  // num_attention_heads; at least 1
  // head_dim, or else hidden_size / num_attention_heads.
  Result<std::uint64_t> HeadDim() const;
  // How many values of a head are rotated. Phi-3 says a fraction; others rotate all.
  Result<std::uint64_t> RopeDimensions() const;

  // How frequencies of the full-attention layers are scaled. kUnsupported: a way that is not known,
  // or that the family's GGUF cannot express.
  Result<const RopeKind*> Rope() const;
  // A parameter of that scaling; "attention_factor" also as attn_factor. No defaults.
  std::optional<JsonValue> FindRope(std::string_view key) const;
  Result<std::optional<double>> RopeNumber(std::string_view key) const;
  // kMalformed: not there, or not a list of numbers.
  Result<std::vector<double>> RopeNumbers(std::string_view key) const;
  // Parameters of the scaling that its RopeKind does not have, by name.
  std::vector<std::string> UnknownRopeKeys(const RopeKind& kind) const;

 private:
  HubValues(const JsonDocument& config) : subject_(config.Subject()), root_(config.Root()) {}

  std::optional<JsonValue> FindPlain(std::string_view key) const;
  Error WrongKind(std::string_view key, std::string_view wanted) const;
  Error NotSaid(std::string_view key) const;
  Result<std::optional<double>> Default(std::string_view key, bool is_null) const;

  std::string subject_;
  JsonValue root_;
  std::optional<JsonValue> text_;          // text_config
  std::optional<JsonValue> rope_;          // of the full-attention layers
  std::optional<JsonValue> sliding_rope_;  // of the layers with a window
  const ConfigFamily* family_ = nullptr;
};

}  // namespace hallmark
