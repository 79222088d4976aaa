// Builds llama2.c checkpoints by hand, in the order in which export.py writes them.
#pragma once

#include <array>
#include <string>

#include "tests/support/test_support.h"

namespace hallmark {

// dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len
using Llama2cConfig = std::array<std::int32_t, 7>;

inline std::string Llama2cHeader(const Llama2cConfig& config) {
  std::string text;
  for (const std::int32_t number : config) text += Le32(static_cast<std::uint32_t>(number));
  return text;
}

// Since version 1. `flags`: shared_classifier, and the group size of version 2.
inline std::string Llama2cHeader(std::uint32_t version, const Llama2cConfig& config,
                                 std::string_view flags) {
  std::string text = "24ka" + Le32(version) + Llama2cHeader(config) + std::string(flags);
  text.resize(256);
  return text;
}

}  // namespace hallmark
