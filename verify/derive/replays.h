// What may have made one tensor of another: each replay gives the bytes it would have given.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/kernels/round.h"
#include "transform/element_views.h"
#include "verify/diff/align.h"
#include "weights/model.h"

namespace hallmark {

struct Replay {
  std::string step;  // for people: "quantised to q4_k"
  Bytes made;        // what the step gives
  Bytes expected;    // what the suspect holds, as many bytes
  // Counts what the step lost, once `made` was read; null: it always loses something, or never.
  std::shared_ptr<LossCount> loss;
  bool lossy = false;
};

// The likeliest first; none where no step is known that leads from one type to the other. `aligned`
// has bytes, A being the official model, and outlives what is returned, as do `suspect` and
// `importance`, a weight for each column or empty.
std::vector<Replay> ReplaysOf(const AlignedTensors& aligned, const Model& suspect,
                              std::span<const float> importance);

}  // namespace hallmark
