// The interface that OpenSSL 3 recommends, EVP, does not let a state in or out; the older functions
// do, and are the same code.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "src/hash/openssl_blocks.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>

namespace hallmark {
namespace {

void Advance(BlockState& state, const std::byte* data, std::size_t bytes, MD5_CTX context) {
  auto& words = state.words;
  context.A = words[0], context.B = words[1], context.C = words[2], context.D = words[3];
  MD5_Update(&context, data, bytes);
  words = {context.A, context.B, context.C, context.D};
}

void Advance(BlockState& state, const std::byte* data, std::size_t bytes, SHA_CTX context) {
  auto& words = state.words;
  context.h0 = words[0], context.h1 = words[1], context.h2 = words[2], context.h3 = words[3];
  context.h4 = words[4];
  SHA1_Update(&context, data, bytes);
  words = {context.h0, context.h1, context.h2, context.h3, context.h4};
}

void Advance(BlockState& state, const std::byte* data, std::size_t bytes, SHA256_CTX context) {
  std::ranges::copy(state.words, context.h);
  SHA256_Update(&context, data, bytes);
  std::ranges::copy(context.h, state.words.begin());
}

template <typename Context>
void OneAfterAnother(std::span<BlockState> states, const std::byte* const* data,
                     std::size_t blocks) {
  for (BlockState& state : states) Advance(state, *data++, blocks * kBlockBytes, Context{});
}

}  // namespace

AdvanceBlocks OpensslBlocks(BlockFunction function) {
  switch (function) {
    case BlockFunction::kMd5:
      return OneAfterAnother<MD5_CTX>;
    case BlockFunction::kSha1:
      return OneAfterAnother<SHA_CTX>;
    case BlockFunction::kSha256:
      return OneAfterAnother<SHA256_CTX>;
  }
  return nullptr;
}

}  // namespace hallmark
