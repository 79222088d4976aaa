// What moved the tensors that nothing else explains: an edit, a low-rank update, noise, training.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "verify/diff/diff_report.h"
#include "verify/diff/explain/tensor_look.h"

namespace hallmark {

// One look's own verdict; the model's is what most of them say.
enum class UpdateShape { kNone, kLowRank, kNoise, kUnrelated, kOther };
UpdateShape ShapeOfUpdate(const TensorLook& look);

// nullopt: all is explained already.
std::optional<Explanation> ExplainUpdate(const DiffReport& report,
                                         std::span<const DifferingTensor> tensors,
                                         const std::vector<TensorLook>& looks);

}  // namespace hallmark
