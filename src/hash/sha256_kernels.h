// SHA-256 of many messages of one length: where several streams can share a core.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "src/hash/tree.h"

namespace hallmark {

// digests[i] = SHA-256 of the `message_bytes` bytes at messages + i * message_bytes.
// `message_bytes` is a multiple of 64. `digests` do not overlap the messages.
using Sha256Many = void (*)(const std::byte* messages, std::size_t message_bytes,
                            std::span<TreeNode> digests);

struct Sha256Kernel {
  std::string_view name;
  Sha256Many run;
};

// What this machine can run, the fastest first; the last is the definition, OpenSSL's SHA-256 one
// message after another.
std::span<const Sha256Kernel> Sha256Kernels();

#if defined(__x86_64__)
// Three streams interleaved: with SHA and SSE4.1 instructions, and with AVX-512VL too.
void Sha256ManyShaNi(const std::byte* messages, std::size_t message_bytes,
                     std::span<TreeNode> digests);
void Sha256ManyShaNiAvx512(const std::byte* messages, std::size_t message_bytes,
                           std::span<TreeNode> digests);
#endif

}  // namespace hallmark
