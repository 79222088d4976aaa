// Was this model made from that one, and how? Conversions, casts and quantisers are replayed and
// must give the same bytes; where none does, blocks are asked whether they can be honest roundings.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "transform/receipt.h"
#include "verify/diff/diff_report.h"

namespace hallmark {

enum class Derivation {
  kExact,       // the official values, after steps that lose nothing
  kReplayed,    // a lossy step, done again here, gave the same bytes
  kConsistent,  // within what an honest rounding of the official values can give
  kNotDerived,
  kNotCompared,  // see `reason`
};
std::string_view DerivationName(Derivation how);  // "derived-exactly", "not-derived"

// One tensor of the suspect and what it stands for.
struct DerivedTensor {
  Derivation how = Derivation::kNotCompared;
  std::optional<TensorDiff::Side> official, suspect;
  std::string group;
  // From the official tensor to the suspect's: "cast from bf16 to f16", "quantised to q4_k".
  std::vector<std::string> steps;
  std::optional<ValueComparison> values;  // of what could not be replayed; a: the official values
  std::optional<BlockRounding> rounding;
  std::string reason;

  const TensorDiff::Side& Any() const { return official ? *official : *suspect; }
};

struct DeriveReport {
  // The weakest of all tensors.
  Derivation verdict = Derivation::kNotCompared;
  std::string summary;  // one sentence for people
  std::string hint;     // what would settle it, or empty
  DiffSide official, suspect;
  std::vector<DerivedTensor> tensors;  // by group, then by name
  std::vector<Finding> findings;
  std::optional<Receipt> receipt;  // if it was asked for, and all is exact or replayed

  std::uint64_t CountOf(Derivation how) const;
};

struct DeriveOptions {
  std::filesystem::path importance;  // a matrix the quantiser may have used; empty: none
  // Of releases that are differences to it: see shipped_difference.h; empty: it is none.
  std::filesystem::path base = {};
  // Write the derivation down too, in the name of this version of the tool; empty: don't. Not with
  // a base. Reads both models twice more.
  std::string receipt_version = {};
};

// Reads both models once where the first thing tried is what was done, and tensors it is not again
// for every other. Memory: a few MiB per thread, and the importance matrix. Errors: as Model::Open,
// Canonicalise and ReadImportanceMatrix; kUnsupported (the suspect's tensors are those of a
// quantiser that is not known here well enough: named); kInterrupted.
Result<DeriveReport> Derive(const std::filesystem::path& suspect,
                            const std::filesystem::path& official, const DeriveOptions& options,
                            const Task& task);

}  // namespace hallmark
