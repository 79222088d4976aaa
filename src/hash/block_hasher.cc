#include "src/hash/block_hasher.h"

#include <algorithm>
#include <cstring>

#include "src/base/error.h"
#include "src/hash/block_kernels.h"

namespace hallmark {

std::optional<BlockFunction> BlockFunctionOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kMd5:
      return BlockFunction::kMd5;
    case Algorithm::kSha1:
    case Algorithm::kGitBlob:
      return BlockFunction::kSha1;
    case Algorithm::kSha256:
    case Algorithm::kAutoV2:
      return BlockFunction::kSha256;
    default:
      return std::nullopt;
  }
}

void BlockHasher::FillOpenBlock(ByteSpan& bytes) {
  const std::size_t open = size_ % kBlockBytes;
  if (open == 0) return;
  const std::size_t taken = std::min(bytes.size(), kBlockBytes - open);
  std::ranges::copy(bytes.first(taken), open_.begin() + static_cast<std::ptrdiff_t>(open));
  size_ += taken;
  bytes = bytes.subspan(taken);
  if (size_ % kBlockBytes != 0) return;
  const std::byte* const block = open_.data();
  FastestKernel(function_, 1).advance({&state_, 1}, &block, 1);
}

void BlockHasher::OpenBlock(ByteSpan bytes) {
  std::ranges::copy(bytes, open_.begin());
  size_ += bytes.size();
}

void BlockHasher::Update(ByteSpan bytes) {
  BlockHasher* const self = this;
  UpdateTogether(function_, {&self, 1}, {&bytes, 1});
}

void BlockHasher::UpdateTogether(BlockFunction function, std::span<BlockHasher* const> hashers,
                                 std::span<const ByteSpan> bytes) {
  HM_CHECK(hashers.size() == bytes.size());
  for (; hashers.size() > kMostStreams; hashers = hashers.subspan(kMostStreams)) {
    UpdateTogether(function, hashers.first(kMostStreams), bytes.first(kMostStreams));
    bytes = bytes.subspan(kMostStreams);
  }
  // Whole blocks side by side for as long as the shortest of those that are left lasts.
  std::array<BlockHasher*, kMostStreams> streams;
  std::array<ByteSpan, kMostStreams> rest;
  std::size_t count = 0;
  for (std::size_t i = 0; i < hashers.size(); ++i) {
    ByteSpan left = bytes[i];
    hashers[i]->FillOpenBlock(left);
    if (left.size() >= kBlockBytes) {
      streams[count] = hashers[i];
      rest[count++] = left;
    } else {
      hashers[i]->OpenBlock(left);
    }
  }
  while (count != 0) {
    std::array<BlockState, kMostStreams> states;
    std::array<const std::byte*, kMostStreams> data;
    std::size_t blocks = rest[0].size() / kBlockBytes;
    for (std::size_t i = 0; i < count; ++i) {
      states[i] = streams[i]->state_;
      data[i] = rest[i].data();
      blocks = std::min(blocks, rest[i].size() / kBlockBytes);
    }
    FastestKernel(function, count).advance(std::span(states).first(count), data.data(), blocks);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
      streams[i]->state_ = states[i];
      streams[i]->size_ += blocks * kBlockBytes;
      const ByteSpan left = rest[i].subspan(blocks * kBlockBytes);
      if (left.size() >= kBlockBytes) {
        streams[kept] = streams[i];
        rest[kept++] = left;
      } else {
        streams[i]->OpenBlock(left);
      }
    }
    count = kept;
  }
}

Digest BlockHasher::Finish() {
  const BlockPadding padding = PaddingAfter(function_, size_);
  Update(ByteSpan(padding.bytes).first(padding.size));
  std::array<std::byte, 32> out;
  StoreDigest(function_, state_, out.data());
  return Digest(algorithm_, ByteSpan(out).first(InfoOf(algorithm_).digest_bytes));
}

}  // namespace hallmark
