#include "src/hash/sha256_kernels.h"

#include <vector>

#include "src/hash/openssl_digest.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hallmark {
namespace {

void OneAfterAnother(const std::byte* messages, std::size_t message_bytes,
                     std::span<TreeNode> digests) {
  thread_local OpensslDigest digest(Algorithm::kSha256);
  for (TreeNode& out : digests) {
    digest.Update({messages, message_bytes});
    digest.Finish(out.data());
    messages += message_bytes;
  }
}

std::vector<Sha256Kernel> Choose() {
  std::vector<Sha256Kernel> kernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The compilers' names for SHA differ, cpuid does not. AVX-512 also needs the system's consent,
  // which __builtin_cpu_supports asks for.
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  if (sha && __builtin_cpu_supports("avx512vl") != 0) {
    kernels.push_back({"sha-ni-avx512vl", Sha256ManyShaNiAvx512});
  }
  if (sha && __builtin_cpu_supports("sse4.1") != 0) {
    kernels.push_back({"sha-ni", Sha256ManyShaNi});
  }
#endif
  kernels.push_back({"openssl", OneAfterAnother});
  return kernels;
}

}  // namespace

std::span<const Sha256Kernel> Sha256Kernels() {
  static const std::vector<Sha256Kernel>& kernels = *new std::vector<Sha256Kernel>(Choose());
  return kernels;
}

}  // namespace hallmark
