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

// Reads every tensor once (front to back; again from the start where an optimistic element type
// proves wrong, which it mostly does in the first piece). Checks that replicated parts are
// bit-equal and drops an output embedding equal to the input's. Memory: a few MiB per thread.
// Errors: as Canonicalise; kIo, also for files that changed since they were opened; kInterrupted;
// kMalformed for replicas that differ.
Result<WeightIdentity> ComputeIdentity(const Model& model, const Task& task);

// What ComputeIdentity(copy) gives, of a copy that is thought to hold the weights of `model`, whose
// identity is known: a tensor that has the same name, shape and stored type in both is compared
// byte by byte rather than hashed, which is faster as long as both are in memory.
Result<WeightIdentity> ComputeIdentityOfCopy(const Model& copy, const Model& model,
                                             const WeightIdentity& known, const Task& task);

// The digest of one tensor and the element type it was taken in; `dtype` is that of `bytes`.
struct TensorDigest {
  Dtype dtype;
  IdentityDigest digest;
};
// kMalformed if `bytes` are not as many as dtype and shape say.
Result<TensorDigest> DigestTensor(const BlockSource& bytes, Dtype dtype, const Shape& shape,
                                  const Task& task);

// One tensor to be digested with others.
struct TensorToDigest {
  const BlockSource* bytes;  // outlives the call
  Dtype dtype;
  Shape shape;
  bool random_access = true;  // false: read by one thread, front to back
};
// The digests of all, in their order; works on several tensors, and on several pieces of one, at
// once. Errors have the index of the tensor in `*failed`, if that is not null.
Result<std::vector<TensorDigest>> DigestTensors(std::span<const TensorToDigest> tensors,
                                                const Task& task, std::size_t* failed);

// "model.layers.17.mlp.up_proj.weight" -> "model.layers.17"; "globals" if no component is a number.
std::string GroupKey(std::string_view canonical_name);
// The order of groups: globals, then by the bytes before the number, then by the number.
bool GroupKeyLess(std::string_view a, std::string_view b);

}  // namespace hallmark
