// How fast are values made of blocks? Prints, for every block type, GB of f32 a second on one core
// by the vectors of this processor and by the plain definition.
//   scripts/build release bench_dequantise && build-release/bench/bench_dequantise [TYPE...]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>
#include <vector>

#include "src/kernels/dequantise.h"

namespace hallmark {
namespace {

constexpr std::size_t kValues = 1 << 18;  // a mebibyte of f32: it stays in the cache
constexpr int kRounds = 7;
constexpr double kSecondsARound = 0.03;

using DequantiseFunction = void(Dtype, ByteSpan, std::span<float>);

// GB of f32 a second, the median of the rounds.
double Measure(DequantiseFunction* dequantise, Dtype dtype, ByteSpan blocks,
               std::span<float> values) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    double bytes = 0, seconds = 0;
    while (seconds < kSecondsARound) {
      dequantise(dtype, blocks, values);
      bytes += static_cast<double>(values.size_bytes());
      seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    rates.push_back(bytes / seconds / 1e9);
  }
  std::nth_element(rates.begin(), rates.begin() + kRounds / 2, rates.end());
  return rates[kRounds / 2];
}

void Report(const DtypeInfo& info, std::mt19937& random) {
  std::vector<std::byte> blocks(kValues / info.block_values * info.block_bytes);
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(random());
  std::vector<float> values(kValues);
  const double fast = Measure(Dequantise, info.dtype, blocks, values);
  const double defined = Measure(DequantiseByDefinition, info.dtype, blocks, values);
  fmt::print("{:12} {:8.2f} GB/s   by definition {:6.2f} GB/s   {:6.1f} x\n", info.name, fast,
             defined, fast / defined);
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  using namespace hallmark;
  const std::vector<std::string_view> chosen(arguments + 1, arguments + count);
  std::mt19937 random(1);
  for (const DtypeInfo& info : kDtypes) {
    const bool wanted = chosen.empty() || std::ranges::find(chosen, info.name) != chosen.end();
    if (wanted && CanDequantise(info.dtype)) Report(info, random);
  }
}
