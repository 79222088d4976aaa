// The weights of the copy in question: opened and identified once, when first asked for.
#pragma once

#include <optional>

#include "src/base/task.h"
#include "verify/copy.h"
#include "verify/damage.h"
#include "verify/verify_report.h"
#include "weights/identity.h"
#include "weights/model.h"

namespace hallmark {

// Not thread-safe; `copy` and what `task` points to outlive it.
class CopyWeights {
 public:
  CopyWeights(const Copy& copy, const Task& task) : copy_(copy), task_(task) {}

  // The copy as a model: the same files that were hashed. Valid as long as this is.
  Result<const Model*> Open();
  Result<const WeightIdentity*> Identity();
  // Nothing where nobody opened them. Whether they are quantised; what identifying them brought to
  // light; and, where they were found to be the same as others (`are_same`), what of the files that
  // says nothing about.
  std::vector<Finding> Findings(bool are_same) const;

  // Where tensors lie in a file of the copy that `source` lists: those that differ, if `compared`
  // is of that source; else all, by the word of its manifest or by the copy's own headers. Nothing
  // where neither tells.
  std::optional<KnownPlaces> PlacesIn(const FileVerdict& file, const Source& source,
                                      const WeightsVerdict& compared);

 private:
  const Copy& copy_;
  const Task& task_;
  std::optional<Model> model_;
  std::optional<WeightIdentity> identity_;  // refers to model_
};

}  // namespace hallmark
