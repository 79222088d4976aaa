// Do two models hold the same numbers, and if not, which tensors differ?
#pragma once

#include "src/base/task.h"
#include "verify/verify_report.h"
#include "weights/identity.h"

namespace hallmark {

// What is known of the weights on one side of a comparison.
struct KnownWeights {
  std::string identity;  // "hm1:…"
  struct Tensor {
    std::string name;
    Dtype dtype;
    Shape shape;
    IdentityDigest digest;
  };
  std::vector<Tensor> tensors;  // empty: only the identity is known
};
KnownWeights Known(const WeightIdentity& identity);
KnownWeights Known(const Manifest& manifest);

// Compares the copy's identity with what a source knows. `model` is the opened copy, for places.
WeightsVerdict CompareWeights(const Model& model, const WeightIdentity& ours,
                              const KnownWeights& theirs);

// Counts differing values of the tensors in `verdict.differences` that both models hold in the same
// shape and in a float type; reads those tensors of both.
Result<void> CountDifferingValues(const Model& ours, const Model& theirs, const Task& task,
                                  WeightsVerdict& verdict);

}  // namespace hallmark
