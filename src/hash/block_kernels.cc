#include "src/hash/block_kernels.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "src/hash/block_lanes.h"
#include "src/hash/openssl_blocks.h"
#include "src/hash/sha256_shani.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hallmark {
namespace {

constexpr std::array kFunctions = {BlockFunction::kMd5, BlockFunction::kSha1,
                                   BlockFunction::kSha256};

#if defined(__x86_64__)
void AddShaNi(std::vector<BlockKernel>& kernels) {
  __builtin_cpu_init();
  // The compilers' names for SHA differ, cpuid does not. AVX-512 also needs the system's consent,
  // which __builtin_cpu_supports asks for.
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  if (sha && __builtin_cpu_supports("sse4.1") != 0) {
    kernels.push_back({"sha-ni", kShaNiStreams, AdvanceSha256ShaNi});
  }
  if (sha && __builtin_cpu_supports("avx512vl") != 0) {
    kernels.push_back({"sha-ni, avx512vl", kShaNiStreams, AdvanceSha256ShaNiAvx512});
  }
}
#endif

std::vector<BlockKernel> KernelsOf(BlockFunction function) {
  std::vector<BlockKernel> kernels = {{"openssl", 1, OpensslBlocks(function)}};
#if defined(__x86_64__)
  if (function == BlockFunction::kSha256) AddShaNi(kernels);
#endif
  constexpr std::pair<std::size_t, std::string_view> kWidths[] = {
      {4, "4 lanes"}, {8, "8 lanes"}, {16, "16 lanes"}};
  for (const auto& [lanes, name] : kWidths) {
    if (const AdvanceBlocks advance = BlockLanes(function, lanes)) {
      kernels.push_back({name, lanes, advance});
    }
  }
  return kernels;
}

// Seconds for a few blocks of every stream: the shortest of some tries, the others were disturbed.
double Measure(const BlockKernel& kernel, std::size_t streams) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kBlocks = 16;
  constexpr int kTries = 5;
  static constexpr std::array<std::byte, kBlocks * kBlockBytes> kData{};
  std::array<BlockState, kMostStreams> states{};
  std::array<const std::byte*, kMostStreams> data;
  data.fill(kData.data());
  double shortest = 0;
  for (int i = 0; i < kTries; ++i) {
    const auto begin = Clock::now();
    kernel.advance(std::span(states).first(streams), data.data(), kBlocks);
    const std::chrono::duration<double> took = Clock::now() - begin;
    shortest = i == 0 ? took.count() : std::min(shortest, took.count());
  }
  return shortest;
}

}  // namespace

std::span<const BlockKernel> BlockKernels(BlockFunction function) {
  static const auto& kernels = *new std::array<std::vector<BlockKernel>, kFunctions.size()>{
      KernelsOf(kFunctions[0]), KernelsOf(kFunctions[1]), KernelsOf(kFunctions[2])};
  return kernels[static_cast<std::size_t>(function)];
}

const BlockKernel& FastestKernel(BlockFunction function, std::size_t streams) {
  const auto kernels = BlockKernels(function);
  streams = std::min(streams, kMostStreams);
  if (streams <= 1) return kernels.front();
  static std::atomic<const BlockKernel*> known[kFunctions.size()][kMostStreams + 1];
  std::atomic<const BlockKernel*>& fastest = known[static_cast<std::size_t>(function)][streams];
  if (const BlockKernel* const kernel = fastest.load(std::memory_order_acquire)) return *kernel;
  const auto found = std::ranges::min_element(
      kernels, {}, [&](const BlockKernel& kernel) { return Measure(kernel, streams); });
  fastest.store(&*found, std::memory_order_release);
  return *found;
}

std::size_t StreamsTogether(BlockFunction function) {
  return FastestKernel(function, kMostStreams).streams;
}

}  // namespace hallmark
