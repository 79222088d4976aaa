#include "src/hash/block_kernels.h"

#include <algorithm>
#include <chrono>
#include <mutex>
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
  constexpr std::size_t kBlocks = 32;
  constexpr int kTries = 8;
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

struct Measured {
  std::once_flag once;
  const BlockKernel* fastest = nullptr;
  double seconds = 0;
};

const Measured& MeasuredFor(BlockFunction function, std::size_t streams) {
  static Measured all[kFunctions.size()][kMostStreams + 1];
  Measured& measured = all[static_cast<std::size_t>(function)][streams];
  std::call_once(measured.once, [&] {
    for (const BlockKernel& kernel : BlockKernels(function)) {
      const double seconds = Measure(kernel, streams);
      if (measured.fastest != nullptr && seconds >= measured.seconds) continue;
      measured.fastest = &kernel;
      measured.seconds = seconds;
    }
  });
  return measured;
}

}  // namespace

std::span<const BlockKernel> BlockKernels(BlockFunction function) {
  static const auto& kernels = *new std::array<std::vector<BlockKernel>, kFunctions.size()>{
      KernelsOf(kFunctions[0]), KernelsOf(kFunctions[1]), KernelsOf(kFunctions[2])};
  return kernels[static_cast<std::size_t>(function)];
}

const BlockKernel& FastestKernel(BlockFunction function, std::size_t streams) {
  if (streams <= 1) return BlockKernels(function).front();
  return *MeasuredFor(function, std::min(streams, kMostStreams)).fastest;
}

std::size_t StreamsTogether(BlockFunction function, std::size_t streams, std::size_t threads) {
  constexpr double kAsGood = 0.95;
  std::size_t best = 1;
  double most = 0;
  for (const std::size_t together : {1u, 2u, 3u, 4u, 8u, 16u}) {
    if (together > std::max<std::size_t>(streams, 1)) break;
    const std::size_t cores = std::min(threads, streams / together);
    const double rate = static_cast<double>(std::max<std::size_t>(cores, 1) * together) /
                        MeasuredFor(function, together).seconds;
    if (rate < kAsGood * most) continue;
    most = std::max(most, rate);
    best = together;
  }
  return best;
}

}  // namespace hallmark
