// Prints the seconds that opening a model takes, without the start of the process: what bench/open
// compares with the same of other readers.
//   bench_open_model PATH
#include <fmt/format.h>

#include <chrono>

#include "weights/model.h"

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  if (count != 2) {
    fmt::print(stderr, "usage: bench_open_model PATH\n");
    return 2;
  }
  const hallmark::Task task;
  const auto begin = Clock::now();
  const auto model = hallmark::Model::Open(arguments[1], task);
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  if (!model) {
    fmt::print(stderr, "{}\n", model.error().message);
    return 1;
  }
  fmt::print("{}\n", seconds.count());
}
