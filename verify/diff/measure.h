// Reads aligned tensors of two models side by side and measures how their values differ.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "src/base/task.h"
#include "src/io/block_source.h"
#include "src/kernels/block_rounding.h"
#include "src/kernels/compare.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// Two tensors of equally many values, row-major; the sources outlive the call.
struct PairToMeasure {
  const BlockSource* a;
  Dtype type_a;
  const BlockSource* b;
  Dtype type_b;
  std::uint64_t values;       // of each; types that can't be measured have equally many bytes
  bool random_access = true;  // false: both are read by one thread, front to back
};

struct MeasuredPair {
  ValueComparison values;
  UlpHistogram ulps;  // if asked for
  // Where one of the two is of a type that CanCheckRounding and the other of plain floats.
  std::optional<BlockRounding> rounding;
  bool same_bytes = true;      // types, and every byte
  std::optional<Error> error;  // reading ended there; the rest says nothing then
};

// Whether values of these types are measured, and not only compared as bytes.
bool CanMeasure(Dtype a, Dtype b);

// Of each pair; works on several pairs, and on several pieces of one, at once. What it finds does
// not depend on the number of threads. `ulp_units`: empty, or the unit for each pair's histogram.
// Progress advances by the bytes of both. Memory: a few MiB per thread. Errors: kInterrupted;
// others are told with their pair.
Result<std::vector<MeasuredPair>> MeasurePairs(std::span<const PairToMeasure> pairs,
                                               std::span<const Dtype> ulp_units, const Task& task);

}  // namespace hallmark
