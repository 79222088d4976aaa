// The weight identity hm1: docs/identity.md is its normative definition.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "weights/canonical.h"

namespace hallmark {

using IdentityDigest = std::array<std::byte, 32>;  // SHA-256

struct TensorIdentity {
  std::string name;  // canonical
  std::string stored_name;
  std::string group;  // key: "globals", "model.layers.17"
  Dtype stored_dtype;
  Dtype dtype;  // canonical element type
  Shape shape;  // all dimensions, 1s included
  IdentityDigest digest;
  std::vector<TensorPart> parts;
  std::vector<std::string> relations;
};

struct GroupIdentity {
  std::string key;
  IdentityDigest digest;
};

struct WeightIdentity {
  bool raw = false;
  std::string architecture;
  std::string scheme;
  IdentityDigest weights;
  std::vector<GroupIdentity> groups;    // in the order of identity.md, section 2
  std::vector<TensorIdentity> tensors;  // by group, then by name bytes
  std::vector<LeftOut> left_out;
  std::vector<Finding> findings;

  std::string ToString() const;  // "hm1:…" or "hm1raw:…"
};

// Reads every tensor once (front to back; twice where an optimistic element type proves wrong).
// Checks that replicated parts are bit-equal and drops an output embedding equal to the input's.
// Errors: as Canonicalise, kIo, kInterrupted; kMalformed for replicas that differ.
Result<WeightIdentity> ComputeIdentity(const Model& model, const Task& task);

// The digest of one tensor and the element type it was taken in; `dtype` is that of `bytes`.
struct TensorDigest {
  Dtype dtype;
  IdentityDigest digest;
};
Result<TensorDigest> DigestTensor(const BlockSource& bytes, Dtype dtype, const Shape& shape,
                                  const Task& task);

// "model.layers.17.mlp.up_proj.weight" -> "model.layers.17"; "globals" if no component is a number.
std::string GroupKey(std::string_view canonical_name);
// The order of groups: globals, then by the bytes before the number, then by the number.
bool GroupKeyLess(std::string_view a, std::string_view b);

}  // namespace hallmark
