#include "verify/diff/explain/damaged_stretch.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "verify/diff/explain/tensor_values.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMostBytes = 1 << 20;  // read of either side
constexpr std::uint64_t kFewBytes = 16;
constexpr std::uint64_t kFewValues = 8;
constexpr double kWildShare = 0.2;  // random bits give 0.5 in f16 and 0.9 in bf16
constexpr double kDense = 0.95;     // share of values that differ in an overwritten stretch

// The differing values of a tensor and what share of them differs.
struct Span {
  std::uint64_t first = 0, count = 0;
  double density = 0;
};

Span SpanOf(const DifferingTensor& tensor) {
  Span span;
  span.first = tensor.values->first_differing;
  span.count = tensor.values->last_differing - span.first + 1;
  span.density = static_cast<double>(tensor.values->differing) / static_cast<double>(span.count);
  return span;
}

double RmsOfA(const ValueComparison& values) {
  const double pairs = static_cast<double>(values.FinitePairs());
  return pairs > 0 ? std::sqrt(values.squares_a / pairs) : 0;
}

// A size that weights do not have where others have `rms`.
bool IsWild(float x, double rms) {
  const double size = std::fabs(static_cast<double>(x));
  return !std::isfinite(x) || size > 64 * rms || (size != 0 && size < std::ldexp(rms, -20));
}

// From the first byte that differs to the last, and the bits that do.
struct DifferingBytesOf {
  ByteRange range;
  std::uint64_t bits = 0;
};
DifferingBytesOf Differ(ByteSpan a, ByteSpan b) {
  DifferingBytesOf out;
  bool any = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (!any) out.range.offset = i;
    any = true;
    out.range.size = i + 1 - out.range.offset;
    out.bits +=
        static_cast<std::uint64_t>(std::popcount(std::to_integer<std::uint8_t>(a[i] ^ b[i])));
  }
  return out;
}

bool AllZeros(ByteSpan bytes) {
  return std::ranges::all_of(bytes, [](std::byte x) { return x == std::byte{0}; });
}

}  // namespace

bool MayBeDamaged(const DifferingTensor& tensor) {
  const ValueComparison& values = *tensor.values;
  if (tensor.dtype_a != tensor.dtype_b || values.differing == 0) return false;
  const Span span = SpanOf(tensor);
  return values.differing <= kFewValues || span.density >= 0.1;
}

Result<std::optional<DamagedStretch>> FindDamage(const DifferingTensor& tensor, const Task& task) {
  if (!MayBeDamaged(tensor)) return std::nullopt;
  const DtypeInfo& info = InfoOf(tensor.dtype_a);
  const ValueComparison& values = *tensor.values;
  const Span span = SpanOf(tensor);
  const std::uint64_t first_block = span.first / info.block_values;
  const std::uint64_t end_block = values.last_differing / info.block_values + 1;
  const ByteRange whole{first_block * info.block_bytes,
                        (end_block - first_block) * info.block_bytes};
  if (whole.End() > std::min(tensor.a->Size(), tensor.b->Size())) return std::nullopt;

  // The stretch, or its beginning and its end.
  const std::uint64_t limit = kMostBytes / info.block_bytes * info.block_bytes;
  const bool read_all = whole.size <= limit;
  const std::uint64_t half =
      read_all ? whole.size : limit / 2 / info.block_bytes * info.block_bytes;
  std::vector<ByteRange> parts = {{whole.offset, half}};
  if (!read_all) parts.push_back({whole.End() - half, half});
  std::vector<std::byte> a, b;
  for (const ByteRange& part : parts) {
    HM_TRY(task.CheckStopped());
    a.resize(a.size() + part.size);
    b.resize(a.size());
    HM_TRY(tensor.a->Read(part.offset, MutableByteSpan(a).last(part.size)));
    HM_TRY(tensor.b->Read(part.offset, MutableByteSpan(b).last(part.size)));
  }

  DamagedStretch found{};
  found.first_value = span.first;
  found.last_value = values.last_differing;
  const DifferingBytesOf differing = Differ(a, b);
  found.bytes =
      read_all ? ByteRange{whole.offset + differing.range.offset, differing.range.size} : whole;
  if (differing.range.size == 0) return std::nullopt;
  if (read_all && differing.range.size <= kFewBytes && values.differing <= kFewValues) {
    found.content = DamagedStretch::Content::kFewBytes;
    found.bits = differing.bits;
    return found;
  }
  const ByteSpan stretch =
      read_all ? ByteSpan(b).subspan(differing.range.offset, differing.range.size) : ByteSpan(b);
  if (AllZeros(stretch)) {
    found.content = DamagedStretch::Content::kZeros;
    return found;
  }
  if (!CanReadValues(tensor.dtype_b)) return std::nullopt;

  const double rms = RmsOfA(values);
  std::uint64_t changed = 0, wild = 0;
  double products = 0, squares_a = 0, squares_b = 0;
  std::uint64_t at = 0;
  for (const ByteRange& part : parts) {
    const std::uint64_t count = part.size / info.block_bytes * info.block_values;
    std::vector<float> x(count), y(count);
    const std::uint64_t from = part.offset / info.block_bytes * info.block_values;
    HM_TRY(ReadValues(*tensor.a, tensor.dtype_a, from, x));
    HM_TRY(ReadValues(*tensor.b, tensor.dtype_b, from, y));
    for (std::size_t i = 0; i < count; ++i) {
      if (std::bit_cast<std::uint32_t>(x[i]) == std::bit_cast<std::uint32_t>(y[i])) continue;
      ++changed;
      wild += !IsWild(x[i], rms) && IsWild(y[i], rms);
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
      products += static_cast<double>(x[i]) * y[i];
      squares_a += static_cast<double>(x[i]) * x[i];
      squares_b += static_cast<double>(y[i]) * y[i];
    }
    at += count;
  }
  const double share =
      static_cast<double>(changed) / static_cast<double>(std::max<std::uint64_t>(at, 1));
  if (changed > 0 && share >= 0.1 &&
      static_cast<double>(wild) >= kWildShare * static_cast<double>(changed)) {
    found.content = DamagedStretch::Content::kRandom;
    return found;
  }
  // Other weights from the middle of a row to the middle of another: no edit is like that.
  const MatrixShape shape = AsMatrix(tensor.shape);
  const bool by_rows = shape.columns != 0 && span.first % shape.columns == 0 &&
                       (values.last_differing + 1) % shape.columns == 0;
  const bool alike = products > 0.5 * std::sqrt(squares_a * squares_b);
  if (changed > 2 * kFewValues && span.density >= kDense && !by_rows && !alike && shape.rows > 1) {
    found.content = DamagedStretch::Content::kForeign;
    return found;
  }
  return std::nullopt;
}

}  // namespace hallmark
