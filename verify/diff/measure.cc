#include "verify/diff/measure.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "src/kernels/dequantise.h"
#include "weights/scratch.h"

namespace hallmark {
namespace {

// Both in values, multiples of every block and of kCompareBatch.
constexpr std::uint64_t kTile = 2 * 1024 * 1024;  // what a thread takes at once
constexpr std::uint64_t kPiece = 128 * 1024;      // what is read at once; two stay in the cache
static_assert(kTile % kPiece == 0 && kPiece % kCompareBatch == 0 &&
              kPiece * sizeof(double) <= Scratch::kBytes);

// Pairs that have no values are taken as this many bytes each.
constexpr Dtype kAsBytes = Dtype::kU8;

struct Tile {
  std::uint64_t begin, end;  // in values
};

std::uint64_t BytesOf(Dtype dtype, std::uint64_t values) {
  const DtypeInfo& info = InfoOf(dtype);
  return values / info.block_values * info.block_bytes;
}

bool IsRoundedFrom(Dtype blocks, Dtype values) {
  return CanCheckRounding(blocks) && CanDequantise(values) && !InfoOf(values).is_block_quantised;
}

// One pair, and what was found of its tiles so far.
class PairInWork {
 public:
  PairInWork(const PairToMeasure& pair, std::optional<Dtype> ulp_unit)
      : pair_(pair), ulp_unit_(ulp_unit) {
    if (!CanMeasure(pair.type_a, pair.type_b)) {
      HM_CHECK(pair.a->Size() == pair.b->Size());
      type_a_ = type_b_ = kAsBytes;
      values_ = pair.a->Size();
    } else {
      type_a_ = pair.type_a;
      type_b_ = pair.type_b;
      values_ = pair.values;
      HM_CHECK(BytesOf(type_a_, values_) == pair.a->Size());
      HM_CHECK(BytesOf(type_b_, values_) == pair.b->Size());
    }
    const std::uint64_t tiles = values_ / kTile + (values_ % kTile != 0 ? 1 : 0);
    items_ = pair.random_access ? tiles : std::min<std::uint64_t>(tiles, 1);
  }

  std::uint64_t Items() const { return items_; }

  Result<void> Do(std::uint64_t item, const Task& task) {
    MeasuredPair found;
    const Tile tile = pair_.random_access
                          ? Tile{item * kTile, std::min((item + 1) * kTile, values_)}
                          : Tile{0, values_};
    // Tiles are summed up one by one, however they are dealt out.
    for (std::uint64_t begin = tile.begin; begin < tile.end && !found.error; begin += kTile) {
      MeasuredPair part;
      HM_TRY(Measure({begin, std::min(begin + kTile, tile.end)}, task, &part));
      Append(part, &found);
    }
    const std::lock_guard lock(mutex_);
    if (found_.empty()) found_.resize(items_);
    found_[item] = std::move(found);
    if (++done_ == items_) {
      for (const MeasuredPair& part : found_) Append(part, &whole_);
      found_ = {};
    }
    return {};
  }

  MeasuredPair Take() {
    if (!CanMeasure(pair_.type_a, pair_.type_b)) {
      whole_.values = {};
      whole_.ulps = {};
    }
    return std::move(whole_);
  }

 private:
  // Errors: kInterrupted. Others go into `found`.
  Result<void> Measure(Tile tile, const Task& task, MeasuredPair* found) {
    Scratch scratch_a, scratch_b;
    for (std::uint64_t at = tile.begin; at < tile.end; at += kPiece) {
      HM_TRY(task.CheckStopped());
      const std::uint64_t values = std::min(kPiece, tile.end - at);
      const MutableByteSpan a = scratch_a.First(BytesOf(type_a_, values));
      const MutableByteSpan b = scratch_b.First(BytesOf(type_b_, values));
      Result<void> read = pair_.a->Read(BytesOf(type_a_, at), a);
      if (read) read = pair_.b->Read(BytesOf(type_b_, at), b);
      if (!read) {
        if (read.error().code == Errc::kInterrupted) return read;
        found->error = std::move(read).error();
        return {};
      }
      const bool compare_bytes = found->same_bytes && pair_.type_a == pair_.type_b;
      CompareValues(type_a_, a, type_b_, b, &found->values);
      // Values that do not differ can still be blocks, or bools, that do.
      const bool is_one_to_one = !InfoOf(type_a_).is_block_quantised && type_a_ != Dtype::kBool;
      found->same_bytes = compare_bytes && found->values.differing == 0 &&
                          (is_one_to_one || std::memcmp(a.data(), b.data(), a.size()) == 0);
      if (ulp_unit_) CompareUlps(type_a_, a, type_b_, b, *ulp_unit_, &found->ulps);
      if (IsRoundedFrom(type_b_, type_a_)) Check(type_b_, b, type_a_, a, values, found);
      if (IsRoundedFrom(type_a_, type_b_)) Check(type_a_, a, type_b_, b, values, found);
      task.Advance(a.size() + b.size());
    }
    return {};
  }

  static void Check(Dtype blocks_type, ByteSpan blocks, Dtype values_type, ByteSpan bytes,
                    std::uint64_t count, MeasuredPair* found) {
    Scratch scratch;
    const std::span values(reinterpret_cast<float*>(scratch.First(count * sizeof(float)).data()),
                           count);
    Dequantise(values_type, bytes, values);
    if (!found->rounding) found->rounding = BlockRounding{blocks_type};
    CheckRounding(blocks_type, blocks, values, &*found->rounding);
  }

  static void Append(const MeasuredPair& part, MeasuredPair* whole) {
    if (part.rounding) {
      if (!whole->rounding) whole->rounding = BlockRounding{part.rounding->type};
      whole->rounding->Append(*part.rounding);
    }
    whole->values.Append(part.values);
    whole->ulps.Append(part.ulps);
    whole->same_bytes &= part.same_bytes;
    if (!whole->error) whole->error = part.error;
  }

  const PairToMeasure& pair_;
  const std::optional<Dtype> ulp_unit_;
  Dtype type_a_, type_b_;
  std::uint64_t values_;
  std::uint64_t items_;
  std::mutex mutex_;
  std::vector<MeasuredPair> found_;  // of each item, until all are there
  std::uint64_t done_ = 0;
  MeasuredPair whole_;
};

}  // namespace

bool CanMeasure(Dtype a, Dtype b) {
  // f64 can't tell all of these apart.
  const auto is_wide = [](Dtype dtype) { return dtype == Dtype::kU64 || dtype == Dtype::kI64; };
  return CanCompare(a) && CanCompare(b) && (a == b || (!is_wide(a) && !is_wide(b)));
}

Result<std::vector<MeasuredPair>> MeasurePairs(std::span<const PairToMeasure> pairs,
                                               std::span<const Dtype> ulp_units, const Task& task) {
  HM_CHECK(ulp_units.empty() || ulp_units.size() == pairs.size());
  std::vector<std::unique_ptr<PairInWork>> work;
  std::vector<std::uint64_t> first_item = {0};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const bool ulps = !ulp_units.empty() && CanMeasure(pairs[i].type_a, pairs[i].type_b);
    work.push_back(
        std::make_unique<PairInWork>(pairs[i], ulps ? std::optional(ulp_units[i]) : std::nullopt));
    first_item.push_back(first_item.back() + work.back()->Items());
  }
  HM_TRY(ParallelFor(task, first_item.back(), [&](std::uint64_t item) {
    const auto after = std::ranges::upper_bound(first_item, item);
    const auto i = static_cast<std::size_t>(after - first_item.begin()) - 1;
    return work[i]->Do(item - first_item[i], task);
  }));
  std::vector<MeasuredPair> measured;
  measured.reserve(pairs.size());
  for (const auto& pair : work) measured.push_back(pair->Take());
  return measured;
}

}  // namespace hallmark
