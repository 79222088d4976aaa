// The tensors of a model as another format wants them: under its names, in its layout.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/file_layout.h"
#include "transform/element_views.h"
#include "transform/tensor_facts.h"
#include "weights/canonical.h"

namespace hallmark {

// A tensor to be written. Its bytes are made when they are read, out of the model's files, which
// must outlive it, as must the canonical model it was planned from.
struct PlannedTensor {
  std::string name;
  Dtype dtype;
  Shape shape;
  Bytes bytes;
  std::vector<std::string> sources;  // stored names
  std::vector<std::string> steps;    // what is done to them, for people
  std::shared_ptr<LossCount> loss;   // what that loses; null: nothing can be
  bool type_is_fixed = false;        // the format wants this type, whatever is asked for

  TensorToWrite ToWrite() const { return {name, dtype, shape}; }
};

// As the files store them, under their stored names without a root key. Not for model-parallel
// sets.
std::vector<PlannedTensor> PlanStored(const Model& model);

// Under canonical names and in canonical layout.
Result<std::vector<PlannedTensor>> PlanHub(const CanonicalModel& model, const Task& task);

// As llama.cpp's converter writes the architecture: GGUF's names, rows of q and k permuted back
// where it wants them so, experts stacked, 1 + w in norms where it stores them so, and f32 for what
// ggml has no other arithmetic for (vectors, norms, routers). In the order of block numbers, then
// of names, what is in no block first. Errors: kUnsupported (no row of this architecture, a tensor
// that GGUF has no name for), kMalformed (experts missing, rows that are not whole pairs).
Result<std::vector<PlannedTensor>> PlanGguf(const CanonicalModel& model, const ModelConfig& config);

// Vectors, norms and routers of GGUF become f32, and stay: ggml has no other arithmetic for them.
void FixGgufType(PlannedTensor* tensor);

// A Meta set: one list of tensors for each of its ranks.
struct MetaPlan {
  std::vector<std::vector<PlannedTensor>> ranks;
  std::vector<Bytes> joined;  // what the slices are made of
};
// How the input embedding is divided: by columns in LLaMA 1 and 2, by rows in LLaMA 3.
enum class EmbeddingSplit { kColumns, kRows };
// Errors: kUnsupported (an architecture without Meta's names, a block type), kUsage (a number of
// ranks that does not divide a tensor).
Result<MetaPlan> PlanMeta(const CanonicalModel& model, const ModelConfig& config,
                          std::uint64_t ranks, EmbeddingSplit split);

// What elements are to be cast to, and whether blocks may be taken apart for it.
struct CastRequest {
  std::optional<Dtype> dtype;  // f32, f16 or bf16; nullopt: as they are
  bool dequantise = false;     // blocks of ggml's types, to f32 or to `dtype`
  bool keep_blocks = false;    // where `dequantise` is not set: the format can hold blocks
};
// Casts one tensor of the float family, and says so in its steps.
void CastTo(Dtype dtype, PlannedTensor* tensor);
// Casts the tensors of the float family whose type is not fixed. kUsage where there are blocks that
// may neither stay nor be taken apart.
Result<void> CastTensors(const CastRequest& request, std::vector<PlannedTensor>* tensors);

// What the tensors say about the configuration. Reads GGUF's tensors of scaled rotary frequencies,
// which are configuration; no weights.
Result<TensorFacts> FactsOf(const Model& model, const CanonicalModel& canonical);

}  // namespace hallmark
