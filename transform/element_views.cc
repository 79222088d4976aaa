#include "transform/element_views.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/kernels/dequantise.h"
#include "src/kernels/narrow.h"
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
    const std::uint64_t batch = std::max<std::uint64_t>(1, kBatchBytes / std::max(base_group_, group_));
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
        Make(stored, out.first(n), /*count=*/true);
      } else {
        n = std::min<std::uint64_t>(out.size(), group_ - skip);
        // A group that is cut is counted by the read that begins it.
        const MutableByteSpan group = made.First(group_);
        Make(stored, group, /*count=*/skip == 0);
        std::memcpy(out.data(), group.data() + skip, n);
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

 protected:
  // Fills `out` from as many whole groups of the base. `count`: these are seen the first time.
  virtual void Make(ByteSpan stored, MutableByteSpan out, bool count) const = 0;

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
  void Make(ByteSpan stored, MutableByteSpan out, bool count) const override {
    const RoundingLoss loss = RoundTo(from_, to_, stored, out);
    if (count && loss_ && loss.changed != 0) loss_->Add(loss);
  }

  Dtype from_, to_;
  std::shared_ptr<LossCount> loss_;
};

class PlusOneView final : public GroupView {
 public:
  PlusOneView(Bytes base, Dtype from, std::shared_ptr<LossCount> loss)
      : GroupView(std::move(base), InfoOf(from).block_bytes, sizeof(float)),
        from_(from),
        loss_(std::move(loss)) {}

 private:
  void Make(ByteSpan stored, MutableByteSpan out, bool count) const override {
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
  void Make(ByteSpan stored, MutableByteSpan out, bool) const override {
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
  }

  static constexpr std::size_t kValues = 8192;
  Dtype from_;
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

Bytes PlusOne(Bytes base, Dtype from, std::shared_ptr<LossCount> loss) {
  HM_CHECK(IsFloatFamily(from));
  return std::make_unique<PlusOneView>(std::move(base), from, std::move(loss));
}

Bytes Dequantised(Bytes base, Dtype from) {
  HM_CHECK(CanDequantise(from));
  return std::make_unique<DequantisedView>(std::move(base), from);
}

}  // namespace hallmark
