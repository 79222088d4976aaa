// What a model's own configuration says of its shape, whichever file says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/model/quantisation.h"

namespace hallmark {

// How a family stretches its rotary frequencies. Absent: not said.
struct RopeScaling {
  std::string type;  // "llama3", "longrope", "linear", "yarn", …; empty: none
  std::optional<double> factor;
  std::optional<double> low_frequency_factor;
  std::optional<double> high_frequency_factor;
  std::optional<double> original_context;
  std::vector<double> long_factors, short_factors;  // "longrope"
};

// From config.json (Hugging Face), params.json (Meta) or GGUF keys. Absent: not said.
struct ModelConfig {
  std::string source;        // file that said it, for messages: "config.json"; empty: none found
  std::string unreadable;    // why a file that could have said it does not; or empty
  std::string architecture;  // Hugging Face's model_type or GGUF's general.architecture: "llama"
  std::optional<std::uint64_t> n_layers;
  std::optional<std::uint64_t> hidden_size;  // "dim"
  std::optional<std::uint64_t> ffn_size;
  std::optional<std::uint64_t> n_heads;
  std::optional<std::uint64_t> n_kv_heads;  // absent means n_heads, unless heads_vary
  bool heads_vary = false;                  // the layers differ in their numbers of heads
  std::optional<std::uint64_t> head_dim;    // absent means hidden_size / n_heads
  std::optional<std::uint64_t> vocab_size;
  std::optional<std::uint64_t> n_experts;
  std::optional<double> rope_theta;
  RopeScaling rope;
  std::optional<ConfiguredQuantisation> quantisation;
};

}  // namespace hallmark
