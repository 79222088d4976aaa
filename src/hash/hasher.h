// One digest of one stream, in memory. Files go through hash_files.h.
#pragma once

#include <memory>

#include "src/base/bytes.h"
#include "src/hash/digest.h"

namespace hallmark {

// Not thread-safe; one stream each.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void Update(ByteSpan bytes) = 0;
  virtual Digest Finish() = 0;  // once; no Update after it
};

std::unique_ptr<Hasher> MakeHasher(Algorithm algorithm);
Digest HashBytes(Algorithm algorithm, ByteSpan bytes);

}  // namespace hallmark
