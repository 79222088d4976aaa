// Whether what differs in a tensor is one damaged stretch of bytes rather than other weights.
#pragma once

#include <optional>

#include "src/base/error.h"
#include "src/base/task.h"
#include "verify/diff/explain/differing_tensor.h"

namespace hallmark {

struct DamagedStretch {
  enum class Content {
    kFewBytes,  // at most 16 bytes, or one bit
    kZeros,     // all bytes of b are zero
    kRandom,    // values of no size that a's have
    kForeign,   // values of the usual size that have nothing to do with a's
  };
  Content content;
  std::uint64_t first_value = 0, last_value = 0;  // elements
  ByteRange bytes;         // of the tensor: from the first byte that differs to the last
  std::uint64_t bits = 0;  // that differ, where it is a few bytes
};

// nullopt: no sign of damage. Reads at most 1 MiB of either side. Where the two are stored in
// different types nothing can be said of bytes, and nullopt is returned.
Result<std::optional<DamagedStretch>> FindDamage(const DifferingTensor& tensor, const Task& task);

// Whether FindDamage is worth its reads, by what was counted.
bool MayBeDamaged(const DifferingTensor& tensor);

}  // namespace hallmark
