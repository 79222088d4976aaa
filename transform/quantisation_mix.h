// What llama-quantize makes of each tensor: the names of its file types and the choice behind them.
// docs/quantisation-mixes.md explains the rules.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_layout.h"
#include "formats/metadata.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/tensor/dtype.h"
#include "transform/file_type.h"
#include "transform/importance_matrix.h"

namespace hallmark {

// One file type of llama.cpp: a default type, and others for some tensors.
struct QuantisationMix {
  std::string_view name;  // "Q4_K_M"
  FileType file_type;
  Dtype dtype;               // of the tensors that no rule names
  bool is_written;           // false: known, but some type in it has no quantiser here
  std::string_view summary;  // for people; bits a weight are those of Llama 3 8B
};

// Every type that llama-quantize offers, from the largest file to the smallest.
std::span<const QuantisationMix> AllQuantisationMixes();
// In either case; Q3_K, Q4_K and Q5_K mean their M. Null: no such name.
const QuantisationMix* FindQuantisationMix(std::string_view name);

// What the rules ask of a model besides its tensors.
struct ModelCounts {
  std::string architecture;  // general.architecture
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;
  std::uint64_t key_value_heads = 0;
  std::uint64_t experts = 0;  // 0: not of experts
};
// From a GGUF's metadata; heads are those of the first layer. kMalformed (named `subject`) without
// an architecture or its block_count, or where a number is something else.
Result<ModelCounts> ReadModelCounts(std::span<const MetadataEntry> metadata,
                                    std::string_view subject);

// What becomes of one tensor.
struct TensorQuantisation {
  std::size_t tensor;             // index into the tensors given
  Dtype dtype;                    // that it gets
  std::string_view kept_because;  // why it stays as it is; empty: it is converted to `dtype`
  std::optional<Dtype> meant;     // what the mix means, if the rows do not divide into its blocks
  std::span<const float> importance;  // of each column, one expert after the other; empty: none
};

struct QuantisationChoice {
  std::vector<TensorQuantisation> tensors;  // in the order in which llama-quantize writes them
  std::vector<Finding> findings;            // types that did not fit, weights that were missing
};

// The choice of llama-quantize for `tensors`, which are those of a whole GGUF: names, types and
// shapes as they stand there, names distinct. `importance` may be null; else it must outlive the
// choice. A tensor that has blocks already is only quantised anew where `requantise`.
//
// Errors: kUsage (importance is needed and not there; a quantised source), kUnsupported (an
// architecture with rules of its own, a type without a fallback, a source that holds no floats),
// kMalformed (importance of another shape, a block number that the model does not have).
Result<QuantisationChoice> ChooseQuantisation(const QuantisationMix& mix, const ModelCounts& counts,
                                              std::span<const TensorToWrite> tensors,
                                              const ImportanceMatrix* importance, bool requantise);

// The metadata that llama-quantize writes: `source` in its order without what splitting left, then
// quantisation version, file type and, with `importance` (else null), where that came from.
std::vector<MetadataEntry> QuantisedMetadata(std::span<const MetadataEntry> source,
                                             const QuantisationMix& mix,
                                             const ImportanceMatrix* importance);

}  // namespace hallmark
