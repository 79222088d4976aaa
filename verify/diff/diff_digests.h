// The comparison of two models of which only digests are known, of one at least.
#pragma once

#include <vector>

#include "verify/diff/diff_report.h"
#include "weights/manifest.h"

namespace hallmark {

struct DigestedTensor {
  TensorDiff::Side side;  // its dtype is the canonical one
  std::string group;
  IdentityDigest digest;
};
std::vector<DigestedTensor> Digested(const WeightIdentity& identity);
std::vector<DigestedTensor> Digested(const Manifest& manifest);

// Aligns by canonical name, and by digest where names differ; fills the tensors and groups of
// `report`.
void DiffByDigests(std::vector<DigestedTensor> a, std::vector<DigestedTensor> b,
                   DiffReport* report);

}  // namespace hallmark
