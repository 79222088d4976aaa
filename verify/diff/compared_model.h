// One of two models that are compared tensor by tensor.
#pragma once

#include <vector>

#include "src/base/task.h"
#include "verify/diff/diff_report.h"
#include "weights/canonical.h"
#include "weights/model.h"

namespace hallmark {

struct ComparedModel {
  const Model* model;  // outlives it
  CanonicalModel canonical;

  // Errors: as Canonicalise.
  static Result<ComparedModel> Of(const Model& model, const Task& task);

  // How the files store (the first part of) a tensor.
  const TensorInfo& StoredInfo(const CanonicalTensor& tensor) const;
  TensorDiff::Side Describe(const CanonicalTensor& tensor) const;
  // All that is known before weights are read; what was read is 0.
  DiffSide Describe(std::string name) const;
  // Of the files and of making them canonical.
  void AddFindings(std::vector<Finding>* findings) const;
};

// Says that a tensor of this name could not be read.
Finding UnreadableTensor(const std::string& name, const Error& error);

}  // namespace hallmark
