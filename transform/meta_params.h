// From config.json to Meta's params.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/json/json_reader.h"
#include "transform/tensor_facts.h"

namespace hallmark {

// The feed-forward size that Meta's code computes: multiple_of times
// ceil(int(multiplier * int(2 * 4 * dim / 3)) / multiple_of). dim < 2^32, multiple_of > 0; 0 where
// the multiplier makes no sense.
std::uint64_t MetaFfnSize(std::uint64_t dim, std::uint64_t multiple_of, double multiplier);

struct MetaParams {
  std::string text;               // params.json on one line, as Meta's are, without a final newline
  std::vector<std::string> lost;  // what config.json says and params.json cannot; for people
};

// For models of type llama, and mistral without its window. multiple_of and ffn_dim_multiplier are
// those of the releases with that shape, else some that give the feed-forward size.
// Written as Llama 2's (n_kv_heads and rope_theta only where they differ from n_heads and 10000)
// or, with a rope_theta of 500000, as Llama 3's. Errors: kMalformed (a key missing or of the wrong
// kind, contradictions with the tensors), kUnsupported (what Meta's code does not compute: another
// family, biases, other rotary scaling, a head dimension of its own). Meta's code ties no
// embeddings: where the hub's copy does, output.weight is to be written too.
Result<MetaParams> MetaParamsFromHub(const JsonDocument& hub_config, const TensorFacts& tensors);

}  // namespace hallmark
