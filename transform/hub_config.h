// To config.json, from what other containers say of a model.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/metadata.h"
#include "src/json/json_reader.h"
#include "transform/tensor_facts.h"

namespace hallmark {

// "bfloat16": what torch_dtype calls f32, f16 and bf16; empty for all others.
std::string_view TorchDtype(Dtype dtype);

struct HubConfig {
  // config.json as transformers lays it out, with a final newline. Its keys are those that
  // transformers 4 and 5 both read (rope_theta and rope_scaling, torch_dtype).
  std::string text;
  std::vector<std::string> notes;  // what was assumed, and what has no place in it; for people
};

// From GGUF's keys. `subject` is for messages. Errors: kMalformed (a key missing or of the wrong
// kind, contradictions with the tensors), kUnsupported (another architecture; a layout that the
// hub's architecture of that name does not have).
Result<HubConfig> HubConfigFromGguf(std::span<const MetadataEntry> metadata,
                                    const TensorFacts& tensors, std::string subject);

// From Meta's params.json, or Mistral's. What it leaves to Meta's code (the factor of scaled rotary
// frequencies, the context) is told from the known releases' shapes and noted. Errors as above.
Result<HubConfig> HubConfigFromMeta(const JsonDocument& params, const TensorFacts& tensors);

}  // namespace hallmark
