#include "transform/element_views.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/kernels/dequantise.h"
#include "src/kernels/narrow.h"
#include "src/kernels/quantise.h"
#include "weights/scratch.h"

namespace hallmark {
namespace {

// A view of whole groups: `base_group` bytes of the base make `group` bytes of the view.
class GroupView : public BlockSource {
 public:
  GroupView(Bytes base, std::uint64_t base_group, std::uint64_t group)
      : base_(std::move(base)), base_group_(base_group), group_(group) {
    HM_CHECK(base_->Size() % base_group_ == 0);
  }

  std::uint64_t Size() const final { return base_->Size() / base_group_ * group_; }

  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const final {
    if (offset > Size() || out.size() > Size() - offset) {
      return Error{Errc::kIo, "", "a read beyond the end of a tensor", offset};
    }
    // Small enough to stay in a core's cache. The largest group is a few KiB.
    constexpr std::uint64_t kBatchBytes = 256 * 1024;
    const std::uint64_t batch =
        std::max<std::uint64_t>(1, kBatchBytes / std::max(base_group_, group_));
    Scratch source, made;
    while (!out.empty()) {
      const std::uint64_t first = offset / group_;
      const std::uint64_t skip = offset % group_;
      // What is cut at either end is made aside, whole groups where they belong.
      const std::uint64_t whole = skip == 0 ? std::min(batch, out.size() / group_) : 0;
      const std::uint64_t groups = std::max<std::uint64_t>(1, whole);
      const MutableByteSpan stored = source.First(groups * base_group_);
      HM_TRY(base_->Read(first * base_group_, stored));
      std::uint64_t n;
      if (whole != 0) {
        n = whole * group_;
        HM_TRY(Make(first, stored, out.first(n), /*count=*/true));
      } else {
        n = std::min<std::uint64_t>(out.size(), group_ - skip);
        // A group that is cut is counted by the read that begins it.
        const MutableByteSpan group = made.First(group_);
        HM_TRY(Make(first, stored, group, /*count=*/skip == 0));
        std::memcpy(out.data(), group.data() + skip, n);
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

 protected:
  // Fills `out` from as many whole groups of the base, of which this is the `first`. `count`: these
  // are seen for the first time.
  virtual Result<void> Make(std::uint64_t first, ByteSpan stored, MutableByteSpan out,
                            bool count) const = 0;

 private:
  Bytes base_;
  std::uint64_t base_group_, group_;
};

class RoundedView final : public GroupView {
 public:
  RoundedView(Bytes base, Dtype from, Dtype to, std::shared_ptr<LossCount> loss)
      : GroupView(std::move(base), InfoOf(from).block_bytes, InfoOf(to).block_bytes),
        from_(from),
        to_(to),
        loss_(std::move(loss)) {}

 private:
  Result<void> Make(std::uint64_t, ByteSpan stored, MutableByteSpan out,
                    bool count) const override {
    const RoundingLoss loss = RoundTo(from_, to_, stored, out);
    if (count && loss_ && loss.changed != 0) loss_->Add(loss);
    return {};
  }

  Dtype from_, to_;
  std::shared_ptr<LossCount> loss_;
};

class ExactlyCastView final : public GroupView {
 public:
  ExactlyCastView(Bytes base, Dtype from, Dtype to)
      : GroupView(std::move(base), InfoOf(from).block_bytes, InfoOf(to).block_bytes),
        from_(from),
        to_(to) {}

 private:
  Result<void> Make(std::uint64_t, ByteSpan stored, MutableByteSpan out, bool) const override {
    if (CastExactly(from_, to_, stored, out)) return {};
    return Error{
        Errc::kMalformed, "",
        fmt::format("it holds values that {} can't, so it is no lossless copy", DtypeName(to_))};
  }

  Dtype from_, to_;
};

class SumView final : public GroupView {
 public:
  SumView(Bytes a, Bytes b)
      : GroupView(std::move(a), sizeof(float), sizeof(float)), other_(std::move(b)) {
    HM_CHECK(other_->Size() == Size());
  }

 private:
  Result<void> Make(std::uint64_t first, ByteSpan stored, MutableByteSpan out,
                    bool) const override {
    Scratch scratch;
    const MutableByteSpan other = scratch.First(stored.size());
    HM_TRY(other_->Read(first * sizeof(float), other));
    for (std::size_t at = 0; at < stored.size(); at += sizeof(float)) {
      float a, b;
      std::memcpy(&a, stored.data() + at, sizeof a);
      std::memcpy(&b, other.data() + at, sizeof b);
      a += b;
      std::memcpy(out.data() + at, &a, sizeof a);
    }
    return {};
  }

  Bytes other_;
};

class PlusOneView final : public GroupView {
 public:
  PlusOneView(Bytes base, Dtype from, std::shared_ptr<LossCount> loss)
      : GroupView(std::move(base), InfoOf(from).block_bytes, sizeof(float)),
        from_(from),
        loss_(std::move(loss)) {}

 private:
  Result<void> Make(std::uint64_t, ByteSpan stored, MutableByteSpan out,
                    bool count) const override {
    const std::size_t size = InfoOf(from_).block_bytes;
    RoundingLoss loss;
    for (std::size_t i = 0; i * size < stored.size(); ++i) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, stored.data() + i * size, size);
      const auto before = std::bit_cast<double>(WidenBits(from_, bits));
      const auto narrow = static_cast<float>(before);  // exact but for f64
      const float after = narrow + 1.0f;
      std::memcpy(out.data() + i * sizeof after, &after, sizeof after);
      const double back = static_cast<double>(after) - 1.0;
      if (std::isnan(before) || back == before) continue;
      ++loss.changed;
      if (std::isinf(after)) {
        loss.overflowed += std::isinf(before) ? 0 : 1;
      } else {
        loss.worst = std::max(loss.worst, std::abs(back - before));
      }
    }
    if (count && loss_ && loss.changed != 0) loss_->Add(loss);
    return {};
  }

  Dtype from_;
  std::shared_ptr<LossCount> loss_;
};

class DequantisedView final : public GroupView {
 public:
  DequantisedView(Bytes base, Dtype from)
      : GroupView(std::move(base), InfoOf(from).block_bytes,
                  InfoOf(from).block_values * sizeof(float)),
        from_(from) {}

 private:
  Result<void> Make(std::uint64_t, ByteSpan stored, MutableByteSpan out, bool) const override {
    alignas(64) float values[kValues];
    const std::size_t block_bytes = InfoOf(from_).block_bytes;
    const std::size_t block_values = InfoOf(from_).block_values;
    const std::size_t batch = kValues / block_values;
    while (!stored.empty()) {
      const std::size_t blocks = std::min(batch, stored.size() / block_bytes);
      const std::size_t bytes = blocks * block_values * sizeof(float);
      Dequantise(from_, stored.first(blocks * block_bytes),
                 std::span(values).first(blocks * block_values));
      std::memcpy(out.data(), values, bytes);
      stored = stored.subspan(blocks * block_bytes);
      out = out.subspan(bytes);
    }
    return {};
  }

  static constexpr std::size_t kValues = 8192;
  Dtype from_;
};

// A group is a row where columns weigh differently, else a block.
class QuantisedView final : public GroupView {
 public:
  QuantisedView(Bytes base, Dtype from, Dtype to, std::uint64_t row_length, std::uint64_t rows,
                std::span<const float> importance)
      : GroupView(std::move(base),
                  GroupValues(to, row_length, importance) * InfoOf(from).block_bytes,
                  GroupValues(to, row_length, importance) / InfoOf(to).block_values *
                      InfoOf(to).block_bytes),
        from_(from),
        to_(to),
        group_values_(GroupValues(to, row_length, importance)),
        rows_(rows),
        importance_(importance) {}

 private:
  static std::uint64_t GroupValues(Dtype to, std::uint64_t row_length,
                                   std::span<const float> importance) {
    return importance.empty() ? InfoOf(to).block_values : row_length;
  }

  Result<void> Make(std::uint64_t first, ByteSpan stored, MutableByteSpan out,
                    bool) const override {
    Scratch scratch;
    const std::size_t group_in = group_values_ * InfoOf(from_).block_bytes;
    const std::size_t group_out = out.size() / (stored.size() / group_in);
    const std::size_t most = Scratch::kBytes / (group_values_ * sizeof(float));
    while (!stored.empty()) {
      std::size_t groups = std::min(most, stored.size() / group_in);
      std::span<const float> weights;
      if (!importance_.empty()) {  // of the matrix in the stack that the row belongs to
        groups = std::min<std::size_t>(groups, rows_ - first % rows_);
        weights = importance_.size() == group_values_
                      ? importance_
                      : importance_.subspan(first / rows_ * group_values_, group_values_);
      }
      const std::size_t values = groups * group_values_;
      const MutableByteSpan wide = scratch.First(values * sizeof(float));
      RoundTo(from_, Dtype::kF32, stored.first(groups * group_in), wide);
      const std::span<const float> floats(reinterpret_cast<const float*>(wide.data()), values);
      const std::size_t row = importance_.empty() ? values : group_values_;
      if (!Quantise(to_, floats, row, weights, out.first(groups * group_out))) {
        return Error{Errc::kMalformed, "",
                     "it holds values that are not finite, or too large to be quantised"};
      }
      stored = stored.subspan(groups * group_in);
      out = out.subspan(groups * group_out);
      first += groups;
    }
    return {};
  }

  Dtype from_, to_;
  std::size_t group_values_;
  std::uint64_t rows_;
  std::span<const float> importance_;
};

}  // namespace

void LossCount::Add(const RoundingLoss& loss) {
  const std::lock_guard lock(mutex_);
  total_.Add(loss);
}

RoundingLoss LossCount::Total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

Bytes Rounded(Bytes base, Dtype from, Dtype to, std::shared_ptr<LossCount> loss) {
  if (from == to) return base;
  return std::make_unique<RoundedView>(std::move(base), from, to, std::move(loss));
}

Bytes ExactlyCast(Bytes base, Dtype from, Dtype to) {
  return std::make_unique<ExactlyCastView>(std::move(base), from, to);
}

Bytes Sum(Bytes a, Bytes b) { return std::make_unique<SumView>(std::move(a), std::move(b)); }

Bytes PlusOne(Bytes base, Dtype from, std::shared_ptr<LossCount> loss) {
  HM_CHECK(IsFloatFamily(from));
  return std::make_unique<PlusOneView>(std::move(base), from, std::move(loss));
}

Bytes Dequantised(Bytes base, Dtype from) {
  HM_CHECK(CanDequantise(from));
  return std::make_unique<DequantisedView>(std::move(base), from);
}

Bytes Quantised(Bytes base, Dtype from, Dtype to, std::uint64_t row_length, std::uint64_t rows,
                std::span<const float> importance) {
  HM_CHECK(IsFloatFamily(from) && CanQuantise(to) && row_length % InfoOf(to).block_values == 0);
  HM_CHECK(importance.empty() || importance.size() % row_length == 0);
  return std::make_unique<QuantisedView>(std::move(base), from, to, row_length, rows, importance);
}

Result<void> CanQuantiseRows(std::uint64_t row_length) {
  constexpr std::uint64_t kLimit = Scratch::kBytes / sizeof(double);
  if (row_length <= kLimit) return {};
  return Error{Errc::kUnsupported, "",
               fmt::format("rows to be quantised have {} values, limit {}", row_length, kLimit)};
}

}  // namespace hallmark
