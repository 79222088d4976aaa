// One digest of one stream, in memory. Files go through hash_files.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "src/base/bytes.h"
#include "src/hash/digest.h"

namespace hallmark {

// Not thread-safe; one stream each.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void Update(ByteSpan bytes) = 0;
  virtual Digest Finish() = 0;  // once; no Update after it
  // Another that has seen the same bytes, and goes on by itself.
  virtual std::unique_ptr<Hasher> Clone() const = 0;
};

// `size`: of the whole stream, in bytes. Only git-blob, which hashes it first, has to know it.
std::unique_ptr<Hasher> MakeHasher(Algorithm algorithm,
                                   std::optional<std::uint64_t> size = std::nullopt);
Digest HashBytes(Algorithm algorithm, ByteSpan bytes);

}  // namespace hallmark
