// Bytes of known size that can be read at any offset: files, tensors, joined or permuted views.
#pragma once

#include <cstdint>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// Immutable and safe to read from several threads at once.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  virtual std::uint64_t Size() const = 0;  // bytes
  // Fills all of `out` with the bytes from `offset`. [offset, offset + out.size()) lies within
  // Size(); what is asked beyond it is an error of the implementation's choice, never a crash.
  virtual Result<void> Read(std::uint64_t offset, MutableByteSpan out) const = 0;
};

}  // namespace hallmark
