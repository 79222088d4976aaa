// The tensors of a model under canonical names and in canonical layout: docs/identity.md, 1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/io/block_source.h"
#include "weights/model.h"

namespace hallmark {

// Where (a part of) a canonical tensor is stored.
struct TensorPart {
  std::size_t file = 0;    // index into Model::Files()
  std::size_t tensor = 0;  // index into that reader's Tensors()
};

struct CanonicalTensor {
  std::string name;         // canonical
  std::string stored_name;  // as the files call it
  Dtype dtype;              // of `bytes`; the canonical element type comes with hashing
  Shape shape;              // after joining, outermost first
  // Row-major little-endian bytes in the canonical layout: joined, rows permuted, offset removed.
  // Reads from the model's files, which must outlive it. Thread-safe.
  std::unique_ptr<BlockSource> bytes;
  std::vector<TensorPart> parts;       // in joining order
  std::vector<TensorPart> replicas;    // further copies that must be bit-equal to parts[0]
  std::vector<std::string> relations;  // what was done, for people: "q/k rows permuted"
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

// Reads small derived buffers (rope frequencies) to check them; no weights. Errors where there can
// be no identity: kMalformed (shards that do not fit together, two tensors of one canonical name),
// kUnsupported (quantised, sparse, nested torch tensors; number of heads needed and not given).
// `model` must outlive the result.
Result<CanonicalModel> Canonicalise(const Model& model, const Task& task);

}  // namespace hallmark
