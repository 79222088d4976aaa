// How fast are MD5, SHA-1 and SHA-256, apart from any reading? Prints GB/s of every kernel that
// this processor can run, by the number of streams on one core; then of the one that is chosen, on
// one thread and on all.
//   scripts/build release bench_block_kernels && build-release/bench/bench_block_kernels [THREADS]
#include "src/hash/block_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace hallmark {
namespace {

constexpr std::size_t kBlocks = 256;  // 16 KiB a stream: all of them fit into the cache
constexpr int kRounds = 9;
constexpr double kSecondsARound = 0.01;

// GB/s of all threads together, the median of the rounds.
double Measure(const BlockKernel& kernel, std::size_t streams, unsigned threads) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> of_thread(threads);
    const auto work = [&](double& rate) {
      const std::vector<std::byte> bytes(streams * kBlocks * kBlockBytes);
      std::vector<BlockState> states(streams);
      std::vector<const std::byte*> data;
      for (std::size_t i = 0; i < streams; ++i) {
        data.push_back(bytes.data() + i * kBlocks * kBlockBytes);
      }
      const auto begin = Clock::now();
      double seconds = 0, hashed = 0;
      while (seconds < kSecondsARound) {
        kernel.advance(states, data.data(), kBlocks);
        hashed += static_cast<double>(bytes.size());
        seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      }
      rate = hashed / seconds / 1e9;
    };
    {
      std::vector<std::jthread> others;
      for (unsigned t = 1; t < threads; ++t) others.emplace_back(work, std::ref(of_thread[t]));
      work(of_thread[0]);
    }
    double together = 0;
    for (const double rate : of_thread) together += rate;
    rates.push_back(together);
  }
  std::ranges::nth_element(rates, rates.begin() + kRounds / 2);
  return rates[kRounds / 2];
}

void Report(std::string_view title, BlockFunction function, unsigned threads) {
  fmt::print("{}, GB/s by streams on one core\n  {:<20}", title, "");
  constexpr std::size_t kStreams[] = {1, 2, 3, 4, 8, 16};
  for (const std::size_t streams : kStreams) fmt::print("{:>7}", streams);
  fmt::print("\n");
  for (const BlockKernel& kernel : BlockKernels(function)) {
    fmt::print("  {:<20}", kernel.name);
    for (const std::size_t streams : kStreams) {
      fmt::print("{:>7.2f}", Measure(kernel, streams, 1));
    }
    fmt::print("\n");
  }
  const std::size_t together = StreamsTogether(function, kMostStreams * threads, threads);
  const BlockKernel& chosen = FastestKernel(function, together);
  fmt::print("  chosen: {}, {} streams: {:.2f} on one thread, {:.2f} on {}\n", chosen.name,
             together, Measure(chosen, together, 1), Measure(chosen, together, threads), threads);
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  const unsigned threads = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1]))
                                     : std::thread::hardware_concurrency();
  hallmark::Report("md5", hallmark::BlockFunction::kMd5, std::max(threads, 1u));
  hallmark::Report("sha1", hallmark::BlockFunction::kSha1, std::max(threads, 1u));
  hallmark::Report("sha256", hallmark::BlockFunction::kSha256, std::max(threads, 1u));
}
