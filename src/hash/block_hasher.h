// Digests by a block function, one stream each, which can move forward together.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "src/hash/block_function.h"
#include "src/hash/hasher.h"

namespace hallmark {

// Of md5, sha1, sha256, git-blob and autov2; nullopt for the others.
std::optional<BlockFunction> BlockFunctionOf(Algorithm algorithm);

class BlockHasher final : public Hasher {
 public:
  BlockHasher(Algorithm algorithm, BlockFunction function)
      : algorithm_(algorithm), function_(function), state_(InitialState(function)) {}

  void Update(ByteSpan bytes) override;
  Digest Finish() override;
  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<BlockHasher>(*this); }

  // As Update(bytes[i]) on hashers[i], all of `function`, in the fastest way there is.
  static void UpdateTogether(BlockFunction function, std::span<BlockHasher* const> hashers,
                             std::span<const ByteSpan> bytes);

 private:
  // Takes from the front of `bytes` what completes an open block, all of it if that is too little.
  void FillOpenBlock(ByteSpan& bytes);
  // Less than a block, which begins one.
  void OpenBlock(ByteSpan bytes);

  const Algorithm algorithm_;
  const BlockFunction function_;
  BlockState state_;
  std::uint64_t size_ = 0;  // of all bytes seen
  std::array<std::byte, kBlockBytes> open_{};
};

}  // namespace hallmark
