// Reports of comparisons that nobody made: what pages and texts of `hallmark diff` are tried on.
#pragma once

#include <cstddef>

#include "verify/diff/diff_report.h"

namespace hallmark {

// A LLaMA of 32 layers against a fine-tuned copy of it: every state of a tensor, every kind of
// field, explanations, findings, NaN values, histograms of steps.
DiffReport SampleDiff();
// `layers` layers of 79 tensors each and three globals; 126 of them are 9957 tensors.
DiffReport LargeDiff(std::size_t layers);
// Names that try to be markup, to reorder text, to be endless.
DiffReport HostileDiff();

}  // namespace hallmark
