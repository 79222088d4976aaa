// The tensors of a model under canonical names and in canonical layout: docs/identity.md, 1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/block_source.h"
#include "weights/model.h"

namespace hallmark {

// Where (a part of) a canonical tensor is stored.
struct TensorPart {
  std::size_t file = 0;    // index into Model::Files()
  std::size_t tensor = 0;  // index into that reader's Tensors()
};

// A further copy of a part, which must be bit-equal to it.
struct TensorReplica {
  TensorPart part;
  TensorPart original;  // one of the tensor's parts
};

struct CanonicalTensor {
  std::string name;         // canonical
  std::string stored_name;  // as the files call it
  Dtype dtype;              // of `bytes`; the canonical element type comes with hashing
  Shape shape;              // after joining, outermost first
  // Row-major little-endian bytes in the canonical layout: joined, rows permuted, offset removed.
  // Reads from the model's files, which must outlive it. Thread-safe.
  std::unique_ptr<BlockSource> bytes;
  bool random_access;  // reading it in pieces, in any order, costs no more than front to back
  std::vector<TensorPart> parts;  // in joining order
  std::vector<TensorReplica> replicas;
  std::vector<std::string> relations;  // what was done, for people: "joined from 2 shards by rows"
};

struct LeftOut {
  std::string stored_name;
  std::string reason;
};

struct CanonicalModel {
  bool raw = false;          // true: no architecture row fits; identity is written hm1raw:
  std::string architecture;  // the row's name, or empty
  std::string scheme;        // "meta", "huggingface", "gguf", or "" when raw
  std::vector<CanonicalTensor> tensors;  // by name bytes
  std::vector<LeftOut> left_out;
  std::vector<Finding> findings;
};

// The tensor of this canonical name; null: none.
const CanonicalTensor* FindTensor(const CanonicalModel& model, std::string_view name);
// Elements in its bytes; of block types, those the blocks stand for.
std::uint64_t ValueCount(const CanonicalTensor& tensor);
// The expert that a canonical name is about: 3 of "….experts.3.up_proj.weight"; nullopt: none.
std::optional<std::uint64_t> ExpertNumber(std::string_view canonical_name);

// Reads small derived buffers (rope frequencies) to check them; no weights. Errors where there can
// be no identity: kMalformed (shards that do not fit together, two tensors of one canonical name, a
// name that is no UTF-8), kUnsupported (quantised, sparse, nested torch tensors; number of heads
// needed and not given; no tensors).
// `model` must outlive the result.
Result<CanonicalModel> Canonicalise(const Model& model, const Task& task);

// Reads all copies of the replicated parts of `tensor`; kMalformed unless they are bit-equal.
Result<void> CheckReplicas(const Model& model, const CanonicalTensor& tensor, const Task& task);

}  // namespace hallmark
