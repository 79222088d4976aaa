// How fast are frames packed and unpacked in memory, checks included? Takes a file of elements of
// one type as bytes, and prints a line that bench/pack reads: ratio, GB/s packing, GB/s unpacking.
//   bench_pack_codec FILE DTYPE THREADS
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "src/base/task.h"
#include "src/io/file.h"
#include "transform/pack_plan.h"

namespace hallmark {
namespace {

double SecondsOf(const std::function<Result<void>()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  HM_CHECK(work().has_value());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Result<void> Measure(const char* path, const char* dtype_name, const Task& task) {
  const auto file = HM_TRY(OpenFile(path));
  const std::optional<Dtype> dtype = DtypeByName(dtype_name);
  if (!dtype) return Error{Errc::kUsage, dtype_name, "no such type"};
  const std::vector<PackRegion> regions =
      ArrangeRegions({{{0, file->Size()}, LayoutOf(*dtype), std::nullopt}});
  std::vector<std::byte> bytes(file->Size()), unpacked(file->Size());
  HM_TRY(file->Read(0, bytes));

  const std::uint64_t count = (file->Size() + kPackedFrameBytes - 1) / kPackedFrameBytes;
  std::vector<std::vector<std::byte>> frames(count);
  std::vector<std::uint64_t> checks(count);
  const auto range_of = [&](std::uint64_t i) {
    const std::uint64_t offset = i * kPackedFrameBytes;
    return ByteRange{offset, std::min(kPackedFrameBytes, file->Size() - offset)};
  };
  for (std::vector<std::byte>& frame : frames) frame.resize(kPackedFrameBytes);  // pages are there
  const auto pack = [&](std::uint64_t i) -> Result<void> {
    const ByteRange range = range_of(i);
    const ByteSpan original = ByteSpan(bytes).subspan(range.offset, range.size);
    frames[i].clear();
    HM_TRY(EncodeFrame(PiecesOf(regions, range), original, {}, &frames[i]));
    checks[i] = FrameCheck(frames[i]);
    return {};
  };
  const auto unpack = [&](std::uint64_t i) -> Result<void> {
    const ByteRange range = range_of(i);
    const MutableByteSpan out = MutableByteSpan(unpacked).subspan(range.offset, range.size);
    HM_CHECK(FrameCheck(frames[i]) == checks[i]);
    return DecodeFrame(frames[i], path, 0, {}, out);
  };
  const double packing = SecondsOf([&] { return ParallelFor(task, count, pack); });
  const double unpacking = SecondsOf([&] { return ParallelFor(task, count, unpack); });
  HM_CHECK(bytes == unpacked);

  std::uint64_t packed = 0;
  for (const std::vector<std::byte>& frame : frames) packed += frame.size();
  const auto size = static_cast<double>(file->Size());
  fmt::print("{:.4f} {:.3f} {:.3f}\n", static_cast<double>(packed) / size, size / packing / 1e9,
             size / unpacking / 1e9);
  return {};
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  if (count != 4) {
    fmt::print(stderr, "usage: bench_pack_codec FILE DTYPE THREADS\n");
    return 2;
  }
  const hallmark::Task task{static_cast<unsigned>(std::max(1, std::atoi(arguments[3])))};
  const auto done = hallmark::Measure(arguments[1], arguments[2], task);
  if (!done) fmt::print(stderr, "{}: {}\n", done.error().subject, done.error().message);
  return done ? 0 : 3;
}
