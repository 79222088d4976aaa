// What a model's tensors say about its configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/tensor/dtype.h"
#include "transform/hub_values.h"

namespace hallmark {

// Filled from canonical names and shapes. 0: there is no such tensor.
struct TensorFacts {
  std::uint64_t layers = 0;
  std::uint64_t vocab_size = 0;              // rows of model.embed_tokens
  std::uint64_t hidden_size = 0;             // its columns
  std::uint64_t ffn_size = 0;                // columns of a layer's mlp.down_proj
  std::uint64_t expert_ffn_size = 0;         // of an expert's down_proj or w2
  std::uint64_t shared_expert_ffn_size = 0;  // of mlp.shared_expert.down_proj
  std::uint64_t query_rows = 0;              // of self_attn.q_proj; 0 where q, k and v are fused
  std::uint64_t key_rows = 0;
  bool has_output = false;  // lm_head, and it is not the input embedding again
  bool has_query_bias = false, has_output_bias = false;  // of self_attn.q_proj and o_proj
  bool has_ffn_bias = false;                             // of mlp.down_proj
  // Where layers contradict each other, or weights are no numbers a configuration could speak of;
  // or empty.
  std::string contradiction;
  std::optional<Dtype> dtype;  // that the matrices will have: f32, f16 or bf16
  // Tensors that GGUF files have for scaled rotary frequencies; empty: there are none.
  std::vector<float> rope_freqs;          // rope_freqs.weight
  std::vector<float> rope_factors_long;   // rope_factors_long.weight
  std::vector<float> rope_factors_short;  // rope_factors_short.weight
};

// kMalformed where configuration and tensors contradict each other; names both.
Result<void> CheckTensorFacts(const HubValues& config, const TensorFacts& tensors);

}  // namespace hallmark
