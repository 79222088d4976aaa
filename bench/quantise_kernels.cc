// How fast are values quantised? Prints, for every type that can be made, millions of weights a
// second on one core, without importance and with it, by the vectors of this processor and by the
// plain definition.
//   scripts/build release bench_quantise_kernels && build-release/bench/bench_quantise_kernels
//   [TYPE...]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <string_view>
#include <vector>

#include "src/kernels/quantise.h"

namespace hallmark {
namespace {

constexpr std::size_t kRow = 4096, kRows = 16;  // a quarter of a mebibyte of f32
constexpr int kRounds = 5;
constexpr double kSecondsARound = 0.03;

using QuantiseFunction = bool(Dtype, std::span<const float>, std::size_t, std::span<const float>,
                              MutableByteSpan);

// Millions of weights a second, the median of the rounds.
double Measure(QuantiseFunction* quantise, Dtype dtype, std::span<const float> values,
               std::span<const float> importance, MutableByteSpan blocks) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    double weights = 0, seconds = 0;
    while (seconds < kSecondsARound) {
      quantise(dtype, values, kRow, importance, blocks);
      weights += static_cast<double>(values.size());
      seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    rates.push_back(weights / seconds / 1e6);
  }
  std::nth_element(rates.begin(), rates.begin() + kRounds / 2, rates.end());
  return rates[kRounds / 2];
}

void Report(const DtypeInfo& info, std::span<const float> values,
            std::span<const float> importance) {
  std::vector<std::byte> blocks(values.size() / info.block_values * info.block_bytes);
  const double fast = Measure(Quantise, info.dtype, values, importance, blocks);
  const double defined = Measure(QuantiseByDefinition, info.dtype, values, importance, blocks);
  fmt::print("{:8} {:10} {:8.1f} M/s   by definition {:6.1f} M/s   {:5.1f} x\n", info.name,
             importance.empty() ? "" : "importance", fast, defined, fast / defined);
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  using namespace hallmark;
  const std::vector<std::string_view> chosen(arguments + 1, arguments + count);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(kRow * kRows), importance(kRow);
  for (float& value : values) value = normal(random);
  for (float& weight : importance) weight = std::fabs(normal(random));
  for (const DtypeInfo& info : kDtypes) {
    const bool wanted = chosen.empty() || std::ranges::find(chosen, info.name) != chosen.end();
    if (!wanted || !CanQuantise(info.dtype)) continue;
    Report(info, values, {});
    Report(info, values, importance);
  }
}
