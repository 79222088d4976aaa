// From config.json to GGUF: the keys that a GGUF file says of its model, but for the tokenizer's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/metadata.h"
#include "src/json/json_reader.h"
#include "transform/tensor_facts.h"

namespace hallmark {

// How many values a model's tensors hold, as GGUF's general.size_label counts them.
struct ParameterCounts {
  std::uint64_t total = 0;   // all of them
  std::uint64_t shared = 0;  // outside experts
  std::uint64_t expert = 0;  // of one expert, in all layers
  std::uint64_t experts = 0;
};

// "7B", "8x7B": as gguf-py rounds them.
std::string SizeLabel(const ParameterCounts& counts);

// What a GGUF file says beside config.json.
struct GgufFacts {
  std::string name;                                 // general.name; empty: none
  std::uint32_t file_type = 0;                      // general.file_type: llama.cpp's number
  std::optional<ParameterCounts> parameters = {};   // for general.size_label
  const JsonDocument* generation_config = nullptr;  // generation_config.json: general.sampling.*
  const TensorFacts* tensors = nullptr;             // to hold config.json against
};

// A tensor that GGUF has for scaled rotary frequencies; one-dimensional, f32.
struct RopeTensor {
  std::string name;
  std::vector<float> values;
};

struct GgufKeys {
  std::vector<MetadataEntry> entries;    // in file order
  std::vector<RopeTensor> rope_tensors;  // to be written before all other tensors
  // What config.json says and GGUF cannot: "sliding_window 4096; GGUF's llama has none". For
  // people.
  std::vector<std::string> lost;
};

// The keys, types and order that llama.cpp's convert_hf_to_gguf.py gives, tokenizer.* left out;
// docs/conversion-config.md lists what differs. Errors: kMalformed (a key missing or of the wrong
// kind, contradictions with the tensors), kUnsupported (no row for this model_type, scaling of
// rotary frequencies that GGUF cannot express).
Result<GgufKeys> GgufKeysOf(const JsonDocument& hub_config, const GgufFacts& facts);

}  // namespace hallmark
