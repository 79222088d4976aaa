#include "verify/damage.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hallmark {
namespace {

void Append(std::vector<ByteRange>& ranges, ByteRange range) {
  if (range.size == 0) return;
  if (!ranges.empty() && ranges.back().End() == range.offset) {
    ranges.back().size += range.size;
  } else {
    ranges.push_back(range);
  }
}

std::optional<ByteRange> Intersect(const ByteRange& a, const ByteRange& b) {
  const std::uint64_t begin = std::max(a.offset, b.offset);
  const std::uint64_t end = std::min(a.End(), b.End());
  if (begin >= end) return std::nullopt;
  return ByteRange{begin, end - begin};
}

ByteRange SpanAt(std::size_t index, std::uint64_t size) {
  const std::uint64_t begin = index * kSubRootSpan;
  return {begin, std::min(kSubRootSpan, size - begin)};
}

// A span's root covers what lies in it only, so spans of files of different length compare as long
// as both hold the whole span, or both end in it at the same byte.
bool SameExtent(std::size_t index, std::uint64_t a, std::uint64_t b) {
  return SpanAt(index, a) == SpanAt(index, b);
}

}  // namespace

std::vector<ByteRange> DifferingSpans(const ManifestFile& listed, std::uint64_t size,
                                      const std::vector<TreeNode>& sub_roots) {
  std::vector<ByteRange> spans;
  if (listed.sub_roots.empty() || sub_roots.empty()) {
    Append(spans, {0, size});
    return spans;
  }
  for (std::size_t i = 0; i < sub_roots.size(); ++i) {
    const bool listed_too = i < listed.sub_roots.size();
    if (listed_too && SameExtent(i, size, listed.size) && sub_roots[i] == listed.sub_roots[i]) {
      continue;
    }
    Append(spans, SpanAt(i, size));
  }
  return spans;
}

std::vector<ByteRange> IntactSpans(const ManifestFile& listed, std::uint64_t size,
                                   const std::vector<TreeNode>& sub_roots) {
  std::vector<ByteRange> spans;
  for (std::size_t i = 0; i < std::min(sub_roots.size(), listed.sub_roots.size()); ++i) {
    if (SameExtent(i, size, listed.size) && sub_roots[i] == listed.sub_roots[i]) {
      Append(spans, SpanAt(i, size));
    }
  }
  return spans;
}

Result<std::vector<DifferingBytes>> CompareBytes(const BlockSource& ours, const BlockSource& theirs,
                                                 const Task& task) {
  constexpr std::size_t kBuffer = 1 << 20;
  constexpr std::uint64_t kGap = 64;
  constexpr std::size_t kMostStretches = 1000;
  std::vector<DifferingBytes> stretches;
  std::vector<std::byte> a(kBuffer);
  std::vector<std::byte> b(kBuffer);
  const std::uint64_t size = std::min(ours.Size(), theirs.Size());
  for (std::uint64_t offset = 0; offset < size; offset += kBuffer) {
    HM_TRY(task.CheckStopped());
    const std::size_t length = std::min<std::uint64_t>(kBuffer, size - offset);
    HM_TRY(ours.Read(offset, {a.data(), length}));
    HM_TRY(theirs.Read(offset, {b.data(), length}));
    task.Advance(length);
    if (std::memcmp(a.data(), b.data(), length) == 0) continue;
    for (std::size_t i = 0; i < length; ++i) {
      if (a[i] == b[i]) continue;
      const std::uint64_t at = offset + i;
      const bool extends = !stretches.empty() && (at - stretches.back().range.End() < kGap ||
                                                  stretches.size() == kMostStretches);
      if (extends) {
        stretches.back().range.size = at + 1 - stretches.back().range.offset;
        ++stretches.back().count;
      } else {
        stretches.push_back({{at, 1}, 1});
      }
    }
  }
  return stretches;
}

namespace {

void AddTensor(DamagedRange& damage, const TensorPlace& place) {
  damage.tensors.push_back(place.tensor);
  const auto at = std::ranges::lower_bound(damage.groups, place.group, GroupKeyLess);
  if (at == damage.groups.end() || *at != place.group) damage.groups.insert(at, place.group);
}

}  // namespace

std::vector<DamagedRange> NameDamage(const std::vector<DifferingBytes>& stretches,
                                     const std::optional<KnownPlaces>& known) {
  std::vector<TensorPlace> places;
  if (known) places = known->places;
  std::ranges::sort(places, {}, [](const TensorPlace& place) { return place.range.offset; });

  std::vector<DamagedRange> damage;
  for (const DifferingBytes& stretch : stretches) {
    DamagedRange whole{.range = stretch.range,
                       .differing_bytes = stretch.count,
                       .tensors_known = known.has_value()};
    const std::size_t first = damage.size();
    for (const TensorPlace& place : places) {
      const auto common = Intersect(place.range, stretch.range);
      if (!common) continue;
      AddTensor(whole, place);
      if (!known->only_differing || stretch.count != 0) continue;
      if (damage.size() == first || damage.back().range.End() < common->offset) {
        damage.push_back({.range = *common, .tensors_known = true});
      }
      DamagedRange& run = damage.back();
      run.range.size = std::max(run.range.End(), common->End()) - run.range.offset;
      AddTensor(run, place);
    }
    if (damage.size() == first) damage.push_back(std::move(whole));
  }
  return damage;
}

}  // namespace hallmark
