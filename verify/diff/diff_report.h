// What a comparison of two models found: docs/diff.md says what each state means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/kernels/block_rounding.h"
#include "src/kernels/compare.h"
#include "src/tensor/tensor_info.h"
#include "weights/canonical.h"

namespace hallmark {

enum class DiffVerdict {
  kEqual,         // every tensor, stored alike, and every field
  kEqualRelated,  // the same numbers, but something that loses nothing lies between: named
                  // relations
  kDifferent,     // values, tensors or fields that have a meaning differ
  kInconclusive,  // what was compared is equal, but not all could be
};
std::string_view DiffVerdictName(DiffVerdict verdict);  // "equal-after-relations"

enum class TensorState {
  kEqual,
  kRelated,  // equal once the relations named are undone, none of which loses anything
  kDifferent,
  kOnlyInA,
  kOnlyInB,
  kNotCompared,  // see `reason`
};
std::string_view TensorStateName(TensorState state);  // "equal-after-relations", "only-in-a"

// One tensor of A and what stands for it in B.
struct TensorDiff {
  struct Side {
    std::string name;         // canonical
    std::string stored_name;  // as the files call it; empty where only a manifest is known
    Dtype dtype;              // as stored
    Shape shape;              // canonical, outermost first
  };

  TensorState state = TensorState::kNotCompared;
  std::optional<Side> a, b;
  std::string group;  // key of the layer, A's if both have it: "model.layers.17", "globals"
  // What lies between the two, whether or not they are equal then: "cast from f16 to bf16",
  // "moved from model.layers.3.mlp.up_proj.weight", "rows 32000 to 32063 only in B, all zero".
  std::vector<std::string> relations;
  bool moved = false;  // the values stand under another name, that of `b`: different, even if equal
  std::optional<ValueComparison> values;  // none: compared by digest, or not at all
  std::optional<UlpHistogram> ulps;       // if asked for
  Dtype ulp_unit = Dtype::kF32;
  std::optional<BlockRounding> rounding;  // where one of the two is block-quantised
  std::string reason;                     // why not compared, or why not by value

  const Side& Any() const { return a ? *a : *b; }
  std::string_view Name() const { return Any().name; }
};

// The tensors of one layer together.
struct GroupDiff {
  std::string key;
  std::uint64_t tensors = 0;
  std::uint64_t equal = 0;      // kEqual and kRelated
  std::uint64_t different = 0;  // kDifferent, kOnlyInA and kOnlyInB
  ValueComparison values;       // of all pairs compared by value; places are not kept
};

// A field of the configuration, the tokenizer, the chat template or a container's metadata.
struct FieldDiff {
  std::string area;   // "configuration", "tokenizer", "chat template", "generation", "metadata"
  std::string field;  // "rope_theta", "vocab 128009"
  std::string a, b;   // JSON text, cut where it is long; empty: absent
  // Whether it changes what the model computes, reads or writes; else it only describes.
  bool has_meaning = true;
};

// What kind of difference it is, and the numbers that say so.
struct Explanation {
  enum class Kind {
    kDamage,       // a contiguous stretch of bytes
    kTensorEdit,   // one or a few tensors only
    kLowRank,      // a merged LoRA, a rank-one edit
    kFineTune,     // everything moved a little, in no such pattern
    kLinearMerge,  // B lies on a line through A and other models
    kNoise,        // independent noise
    kPruned,       // values set to zero
    kVocabulary,   // rows added to or taken from the embeddings
    kQuantised,    // rounded to fewer bits
    kWrongLayout,  // right values in wrong places or off by a constant: a broken conversion
    kUnrelated,    // nothing in common but the shape
  };
  Kind kind;
  std::string subject;  // a tensor, a layer, or empty: the model
  std::string text;     // one sentence for people
  struct Number {
    std::string name;  // "rank", "energy_share"
    double value;
  };
  std::vector<Number> numbers;
};
std::string_view ExplanationKindName(Explanation::Kind kind);  // "low-rank"

// One of the two models.
struct DiffSide {
  std::string name;              // as the user gave it
  std::string format;            // "GGUF v3, alignment 32"; "manifest"
  std::string architecture;      // the row's name, or empty
  std::string identity;          // "hm1:…" where it is known without hashing; else empty
  bool by_digests_only = false;  // a manifest: no values at hand
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;
  std::uint64_t bytes_read = 0;
  std::vector<LeftOut> left_out;
};

struct DiffReport {
  DiffVerdict verdict = DiffVerdict::kInconclusive;
  std::string summary;  // one sentence for people
  std::string hint;     // what would settle it, or empty
  DiffSide a, b;
  std::vector<TensorDiff> tensors;  // by group, then by name
  std::vector<GroupDiff> groups;    // in the order of docs/identity.md, section 2
  std::vector<FieldDiff> fields;    // that differ
  std::uint64_t fields_compared = 0;
  std::vector<std::string> fields_not_compared;  // why: "B has no tokenizer"
  // Those of them that are about something that has a meaning: such models are never called equal.
  std::vector<std::string> unsettled;
  std::vector<Explanation> explanations;  // if asked for
  std::vector<Finding> findings;

  // How many tensors are in this state.
  std::uint64_t CountOf(TensorState state) const;
  ValueComparison Total() const;  // of all pairs compared by value; places are not kept
};

}  // namespace hallmark
