// Bytes of known size that can be read at any offset: files, tensors, joined or permuted views.
#pragma once

#include <cstdint>
#include <optional>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/io/mapped_bytes.h"

namespace hallmark {

// Immutable and safe to read from several threads at once.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  virtual std::uint64_t Size() const = 0;  // bytes
  // Fills all of `out` with the bytes from `offset`. [offset, offset + out.size()) lies within
  // Size(); what is asked beyond it is an error of the implementation's choice, never a crash.
  virtual Result<void> Read(std::uint64_t offset, MutableByteSpan out) const = 0;
  // The same bytes without a copy, where they already lie in memory; absent: Read them.
  virtual std::optional<MappedBytes> Map(std::uint64_t /*offset*/, std::size_t /*size*/) const {
    return std::nullopt;
  }
};

}  // namespace hallmark
