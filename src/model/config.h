// What a model's own configuration says of its shape, whichever file says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hallmark {

// From config.json (Hugging Face), params.json (Meta) or GGUF keys. Absent: not said.
struct ModelConfig {
  std::string source;        // file that said it, for messages: "config.json"
  std::string architecture;  // Hugging Face's model_type or GGUF's general.architecture: "llama"
  std::optional<std::uint64_t> n_layers;
  std::optional<std::uint64_t> hidden_size;  // "dim"
  std::optional<std::uint64_t> ffn_size;
  std::optional<std::uint64_t> n_heads;
  std::optional<std::uint64_t> n_kv_heads;  // defaults to n_heads where the family says so
  std::optional<std::uint64_t> head_dim;    // defaults to hidden_size / n_heads
  std::optional<std::uint64_t> vocab_size;
  std::optional<std::uint64_t> n_experts;
  std::optional<bool> tied_embeddings;
  std::optional<double> rope_theta;
  // RoPE scaling of type "llama3" or "longrope", for checking derived buffers.
  std::string rope_scaling;
  std::optional<double> rope_factor;
};

}  // namespace hallmark
