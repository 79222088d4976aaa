// Runs a fuzz target over files without libFuzzer, so that every build replays the corpora.
// Each input is given whole, then cut short at a number of places, then with single bytes changed;
// the places depend on the input alone, so a failure repeats.
// usage: replay_NAME FILE…
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kCuts = 24;
constexpr std::size_t kChanges = 24;

// xorshift64*: small, and the same on every machine.
class Places {
 public:
  explicit Places(std::size_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::size_t Below(std::size_t limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::size_t>((state_ * 0x2545f4914f6cdd1du) >> 11) % limit;
  }

 private:
  std::uint64_t state_;
};

// A copy on the heap of exactly `size` bytes, so that a sanitizer sees a read past its end.
void RunOn(const std::vector<std::uint8_t>& bytes, std::size_t size) {
  const std::vector<std::uint8_t> input(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void Replay(std::vector<std::uint8_t> bytes) {
  RunOn(bytes, bytes.size());
  if (bytes.empty()) return;
  Places places(bytes.size());
  for (std::size_t i = 0; i < kCuts; ++i) RunOn(bytes, places.Below(bytes.size()));
  // Headers come first in most formats: half of the changes fall into the first kilobyte.
  for (std::size_t i = 0; i < kChanges; ++i) {
    const std::size_t limit = i % 2 == 0 && bytes.size() > 1024 ? 1024 : bytes.size();
    const std::size_t at = places.Below(limit);
    const std::uint8_t before = bytes[at];
    bytes[at] = static_cast<std::uint8_t>(before ^ (1u << places.Below(8)));
    RunOn(bytes, bytes.size());
    bytes[at] = before;
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    Replay({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  }
  std::printf("%d inputs, each cut at %zu and changed at %zu places\n", argc - 1, kCuts, kChanges);
  return argc > 1 ? 0 : 1;
}
