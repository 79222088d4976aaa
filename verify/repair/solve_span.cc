#include "verify/repair/solve_span.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>

#include "src/base/error.h"
#include "verify/damage.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kChunk = 256 * 1024;
constexpr std::uint64_t kGaps[] = {64, 1};  // differences nearer to each other are one
constexpr std::size_t kMostChoices = 2000;  // more than that cannot be tried
constexpr std::uint64_t kLeastEffort = std::uint64_t{2} << 30;  // bytes hashed
constexpr std::uint64_t kLeastStep = 64 * 1024;
constexpr std::uint64_t kEffort = 32;  // times the span

// A stretch of a segment, and who has which bytes of it.
struct Run {
  std::size_t segment = 0;
  ByteRange range;  // in the file
  // Those who have the same bytes; the largest group first, the file as it is leading its group.
  std::vector<std::vector<std::size_t>> variants;
};

class Solver {
 public:
  Solver(const CheckedSpan& span, std::span<const Offers> offers, const Task& task,
         std::atomic<std::uint64_t>* pool)
      : span_(span), offers_(offers), task_(task), pool_(pool) {}

  Result<bool> IsRight() { return Try(0); }

  Result<std::optional<std::vector<ChosenBytes>>> Solve(bool is_wrong) {
    if (!is_wrong && HM_TRY(Try(0))) return std::vector<ChosenBytes>();
    std::size_t most = 0;
    for (const CheckedSpan::Segment& segment : span_.segments) {
      if (segment.file) most = std::max(most, offers_[*segment.file].size());
    }
    for (std::size_t offer = 1; offer < most; ++offer) {
      if (HM_TRY(Try(offer))) return HM_TRY(WhatIsNew());
    }
    const std::uint64_t size = span_.Size();
    std::optional<std::size_t> tried;
    for (const std::uint64_t gap : kGaps) {
      gap_ = gap;
      effort_left_ =
          std::max(size > UINT64_MAX / kEffort ? UINT64_MAX : size * kEffort, kLeastEffort);
      auto mixed = HM_TRY(Mix(tried));
      if (mixed) return mixed;
      tried = choices_;
    }
    return std::nullopt;
  }

 private:
  const Offers& OffersOf(std::size_t segment) const {
    return offers_[*span_.segments[segment].file];
  }

  // The span as `offer` has it, and where it has nothing, as it is; false where that is not all of
  // it, or not right.
  Result<bool> Try(std::size_t offer) {
    runs_.clear();
    bool is_used = offer == 0;
    for (std::size_t s = 0; s < span_.segments.size(); ++s) {
      const CheckedSpan::Segment& segment = span_.segments[s];
      if (!segment.file) {
        runs_.push_back({s, segment.range, {}});
        continue;
      }
      const Offers& offers = OffersOf(s);
      const std::size_t used = offer < offers.size() ? offer : 0;
      for (std::uint64_t at = segment.range.offset; at < segment.range.End();) {
        const auto [end, is_covered] = CoveredFrom(offers[used], at, segment.range.End());
        const std::size_t from = is_covered ? used : 0;
        if (!is_covered && !offers[0].Covers({at, end - at})) return false;
        is_used = is_used || from != 0;
        runs_.push_back({s, {at, end - at}, {{from}}});
        at = end;
      }
    }
    if (!is_used) return false;
    const auto hasher = MakeSpanHasher(span_);
    for (const Run& run : runs_) {
      if (!HM_TRY(Hash(run, 0, hasher.get()))) return false;
    }
    return hasher->Finish() == span_.digest;
  }

  // How far the offer covers what begins at `at`, or does not.
  static std::pair<std::uint64_t, bool> CoveredFrom(const Offer& offer, std::uint64_t at,
                                                    std::uint64_t end) {
    const auto next =
        std::ranges::upper_bound(offer.covered, at, {}, [](const ByteRange& r) { return r.End(); });
    if (next == offer.covered.end()) return {end, false};
    if (next->offset > at) return {std::min(end, next->offset), false};
    return {std::min(end, next->End()), true};
  }

  // False if it cannot be read.
  Result<bool> Hash(const Run& run, std::size_t variant, Hasher* hasher) {
    HM_TRY(task_.CheckStopped());
    std::vector<std::byte>& buffer = buffer_;
    for (std::uint64_t done = 0; done < run.range.size;) {
      const auto n = static_cast<std::size_t>(std::min(kChunk, run.range.size - done));
      buffer.resize(n);
      if (run.variants.empty()) {
        std::ranges::fill(buffer, std::byte{0});
      } else {
        const Offer& offer = OffersOf(run.segment)[run.variants[variant].front()];
        if (!offer.bytes->Read(run.range.offset + done, buffer)) return false;
      }
      hasher->Update(buffer);
      done += n;
      if (done < run.range.size) HM_TRY(task_.CheckStopped());
    }
    return true;
  }

  // After a Try that was right: what of its bytes is not here already.
  Result<std::vector<ChosenBytes>> WhatIsNew() const {
    std::vector<ChosenBytes> chosen;
    for (const Run& run : runs_) {
      if (run.variants.empty() || run.variants.front().front() == 0) continue;
      const std::size_t file = *span_.segments[run.segment].file;
      const Offers& offers = offers_[file];
      const std::size_t offer = run.variants.front().front();
      if (!offers[0].Covers(run.range)) {
        // The file may end within the run.
        std::uint64_t at = run.range.offset;
        while (at < run.range.End()) {
          const auto [end, is_covered] = CoveredFrom(offers[0], at, run.range.End());
          const ByteRange part{at, end - at};
          if (is_covered) {
            HM_TRY(AddDiffering(file, part, offer, &chosen));
          } else {
            chosen.push_back({file, part, offer});
          }
          at = end;
        }
        continue;
      }
      HM_TRY(AddDiffering(file, run.range, offer, &chosen));
    }
    return chosen;
  }

  Result<void> AddDiffering(std::size_t file, const ByteRange& range, std::size_t offer,
                            std::vector<ChosenBytes>* chosen) const {
    const auto window = [&](const Offer& from) {
      return Patchwork(range.size, {{{0, range.size}, from.bytes, range.offset}});
    };
    const Task quiet{.stopped = task_.stopped, .abandoned = task_.abandoned};
    const auto stretches =
        CompareBytes(window(offers_[file][0]), window(offers_[file][offer]), quiet);
    if (!stretches) {
      if (stretches.error().code == Errc::kInterrupted) return stretches.error();
      chosen->push_back({file, range, offer});  // what is here cannot be read
      return {};
    }
    for (const DifferingBytes& stretch : *stretches) {
      chosen->push_back({file, {range.offset + stretch.range.offset, stretch.range.size}, offer});
    }
    return {};
  }

  // `tried`: so many choices were tried in vain already.
  Result<std::optional<std::vector<ChosenBytes>>> Mix(std::optional<std::size_t> tried) {
    runs_.clear();
    choices_ = 0;
    for (std::size_t s = 0; s < span_.segments.size(); ++s) {
      const CheckedSpan::Segment& segment = span_.segments[s];
      if (!segment.file) {
        runs_.push_back({s, segment.range, {}});
        continue;
      }
      for (std::uint64_t at = segment.range.offset; at < segment.range.End();) {
        std::uint64_t end = std::min(segment.range.End(), at + kChunk);
        for (const Offer& offer : OffersOf(s)) end = CoveredFrom(offer, at, end).first;
        HM_TRY(task_.CheckStopped());
        if (!Compare(s, {at, end - at}) || choices_ > kMostChoices) return std::nullopt;
        at = end;
      }
    }
    if (tried == choices_) return std::nullopt;
    chosen_.assign(runs_.size(), 0);
    if (!HM_TRY(Descend(0, MakeSpanHasher(span_)))) return std::nullopt;
    std::vector<ChosenBytes> chosen;
    for (std::size_t r = 0; r < runs_.size(); ++r) {
      const Run& run = runs_[r];
      if (run.variants.empty() || run.variants[chosen_[r]].front() == 0) continue;
      chosen.push_back(
          {*span_.segments[run.segment].file, run.range, run.variants[chosen_[r]].front()});
    }
    return chosen;
  }

  // Adds the runs of a range that each offer covers whole or not at all. False: nobody has it.
  bool Compare(std::size_t segment, const ByteRange& range) {
    const Offers& offers = OffersOf(segment);
    std::vector<std::size_t> have;
    std::vector<std::vector<std::byte>> bytes;
    for (std::size_t o = 0; o < offers.size(); ++o) {
      if (!offers[o].Covers(range)) continue;
      std::vector<std::byte> buffer(static_cast<std::size_t>(range.size));
      if (!offers[o].bytes->Read(range.offset, buffer)) continue;
      have.push_back(o);
      bytes.push_back(std::move(buffer));
    }
    if (have.empty()) return false;
    const auto all_equal = [&](std::size_t from, std::size_t n) {
      return std::ranges::all_of(bytes, [&](const std::vector<std::byte>& b) {
        return std::memcmp(b.data() + from, bytes[0].data() + from, n) == 0;
      });
    };
    // Who agrees with whom about a byte: for each the first who says the same.
    const auto sides = [&](std::size_t at) {
      std::vector<std::size_t> first(bytes.size());
      for (std::size_t b = 0; b < bytes.size(); ++b) {
        while (bytes[first[b]][at] != bytes[b][at]) ++first[b];
      }
      return first;
    };
    const auto size = static_cast<std::size_t>(range.size);
    constexpr std::size_t kStep = 64;
    std::size_t equal_from = 0;
    for (std::size_t i = 0; i < size;) {
      const std::size_t n = std::min<std::size_t>(kStep, size - i);
      if (all_equal(i, n)) {
        i += n;
        continue;
      }
      while (all_equal(i, 1)) ++i;
      if (++choices_ > kMostChoices) return true;
      // One run as long as the same ones differ: whose damage ends where another's begins may be
      // right there.
      const std::vector<std::size_t> parted = sides(i);
      std::size_t end = i + 1;  // behind the last difference
      for (std::size_t j = end; j < size && j - end < gap_; ++j) {
        if (all_equal(j, 1)) continue;
        if (sides(j) != parted) break;
        end = j + 1;
      }
      if (equal_from < i) Add({segment, {range.offset + equal_from, i - equal_from}, {have}});
      Add({segment, {range.offset + i, end - i}, Groups(have, bytes, i, end - i)});
      equal_from = i = end;
    }
    if (equal_from < size) {
      Add({segment, {range.offset + equal_from, size - equal_from}, {std::move(have)}});
    }
    return true;
  }

  static std::vector<std::vector<std::size_t>> Groups(
      const std::vector<std::size_t>& have, const std::vector<std::vector<std::byte>>& bytes,
      std::size_t from, std::size_t n) {
    std::vector<std::vector<std::size_t>> groups;  // of indexes into `have`
    for (std::size_t h = 0; h < have.size(); ++h) {
      const auto same = std::ranges::find_if(groups, [&](const std::vector<std::size_t>& group) {
        return std::memcmp(bytes[group.front()].data() + from, bytes[h].data() + from, n) == 0;
      });
      if (same == groups.end()) {
        groups.push_back({h});
      } else {
        same->push_back(h);
      }
    }
    std::ranges::stable_sort(groups, std::greater(), &std::vector<std::size_t>::size);
    for (std::vector<std::size_t>& group : groups) {
      for (std::size_t& member : group) member = have[member];
    }
    return groups;
  }

  void Add(Run run) {
    if (!runs_.empty()) {
      Run& last = runs_.back();
      if (last.segment == run.segment && last.range.End() == run.range.offset &&
          last.variants == run.variants) {
        last.range.size += run.range.size;
        return;
      }
    }
    runs_.push_back(std::move(run));
  }

  // Tries the variants of the runs from `run` on, after what `hasher` has seen.
  Result<bool> Descend(std::size_t run, std::unique_ptr<Hasher> hasher) {  // NOLINT: bounded
    for (; run < runs_.size(); ++run) {
      const std::size_t variants = std::max<std::size_t>(runs_[run].variants.size(), 1);
      for (std::size_t v = 0; v + 1 < variants; ++v) {
        chosen_[run] = v;
        auto branch = hasher->Clone();
        if (!Spend(runs_[run].range.size)) return false;
        if (!HM_TRY(Hash(runs_[run], v, branch.get()))) continue;
        if (HM_TRY(Descend(run + 1, std::move(branch)))) return true;
      }
      chosen_[run] = variants - 1;
      if (!Spend(runs_[run].range.size)) return false;
      if (!HM_TRY(Hash(runs_[run], variants - 1, hasher.get()))) return false;
    }
    return hasher->Finish() == span_.digest;
  }

  // Every step costs something, however few bytes it hashes.
  bool Spend(std::uint64_t bytes) {
    bytes = std::max(bytes, kLeastStep);
    if (pool_ != nullptr) {
      const std::uint64_t left = pool_->load();
      pool_->store(left > bytes ? left - bytes : 0);
      if (left < bytes) effort_left_ = 0;
    }
    if (effort_left_ < bytes) {
      effort_left_ = 0;
      return false;
    }
    effort_left_ -= bytes;
    return true;
  }

  const CheckedSpan& span_;
  const std::span<const Offers> offers_;
  const Task& task_;
  std::atomic<std::uint64_t>* const pool_;
  std::vector<Run> runs_;
  std::vector<std::size_t> chosen_;  // variant, by run
  std::uint64_t gap_ = 0;
  std::size_t choices_ = 0;  // runs of several variants
  std::vector<std::byte> buffer_;
  std::uint64_t effort_left_ = 0;
};

}  // namespace

Result<std::optional<std::vector<ChosenBytes>>> SolveSpan(const CheckedSpan& span,
                                                          std::span<const Offers> offers,
                                                          bool is_wrong, const Task& task,
                                                          std::atomic<std::uint64_t>* pool) {
  return Solver(span, offers, task, pool).Solve(is_wrong);
}

Result<bool> HasDigest(const CheckedSpan& span, std::span<const Offers> offers, const Task& task) {
  return Solver(span, offers, task, nullptr).IsRight();
}

}  // namespace hallmark
