#include "verify/repair/offer.h"

#include <algorithm>
#include <utility>

namespace hallmark {

Patchwork::Patchwork(std::uint64_t size, std::vector<Patch> patches)
    : size_(size), patches_(std::move(patches)) {
  std::erase_if(patches_, [](const Patch& patch) { return patch.range.size == 0; });
  std::ranges::sort(patches_, {}, [](const Patch& patch) { return patch.range.offset; });
}

Result<void> Patchwork::Read(std::uint64_t offset, MutableByteSpan out) const {
  auto patch =
      std::ranges::upper_bound(patches_, offset, {}, [](const Patch& p) { return p.range.End(); });
  while (!out.empty()) {
    if (patch == patches_.end() || patch->range.offset > offset) {
      return Error{Errc::kNotFound, "", "nobody has these bytes", offset};
    }
    const std::uint64_t n = std::min<std::uint64_t>(out.size(), patch->range.End() - offset);
    HM_TRY(patch->bytes->Read(patch->at + (offset - patch->range.offset),
                              out.first(static_cast<std::size_t>(n))));
    offset += n;
    out = out.subspan(static_cast<std::size_t>(n));
    ++patch;
  }
  return {};
}

std::vector<ByteRange> Patchwork::Covered() const {
  std::vector<ByteRange> covered;
  for (const Patch& patch : patches_) {
    if (!covered.empty() && covered.back().End() == patch.range.offset) {
      covered.back().size += patch.range.size;
    } else {
      covered.push_back(patch.range);
    }
  }
  return covered;
}

std::shared_ptr<const Patchwork> PutOver(std::shared_ptr<const BlockSource> base,
                                         std::uint64_t size,
                                         std::vector<Patchwork::Patch> patches) {
  std::ranges::sort(patches, {}, [](const Patchwork::Patch& patch) { return patch.range.offset; });
  const std::uint64_t base_size = base != nullptr ? std::min(base->Size(), size) : 0;
  std::vector<Patchwork::Patch> all;
  std::uint64_t at = 0;
  const auto fill_to = [&](std::uint64_t end) {
    end = std::min(end, base_size);
    if (at < end) all.push_back({{at, end - at}, base, at});
  };
  for (const Patchwork::Patch& patch : patches) {
    fill_to(patch.range.offset);
    all.push_back(patch);
    at = patch.range.End();
  }
  fill_to(size);
  return std::make_shared<const Patchwork>(size, std::move(all));
}

bool Offer::Covers(const ByteRange& range) const {
  if (range.size == 0) return true;
  const auto at = std::ranges::upper_bound(covered, range.offset, {},
                                           [](const ByteRange& r) { return r.End(); });
  return at != covered.end() && at->offset <= range.offset && range.End() <= at->End();
}

Offer OfferAll(std::string from, std::shared_ptr<const BlockSource> bytes) {
  std::vector<ByteRange> covered;
  if (bytes->Size() > 0) covered.push_back({0, bytes->Size()});
  return {std::move(from), std::move(bytes), std::move(covered)};
}

}  // namespace hallmark
