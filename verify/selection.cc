#include "verify/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "verify/match.h"

namespace hallmark {

Selection::Selection(const VerifyOptions& options, const Copy& copy,
                     std::span<const Source> sources, const std::vector<bool>& is_source)
    : options_(options), copy_(copy) {
  for (const Source& source : sources) match_.push_back(MatchByName(source, copy.Listing()));
  if (!options.part && !options.sample) return;
  Bind(sources, is_source);
  if (options.part) Divide(options.part->part, sources, is_source);
}

bool Selection::Includes(std::string_view path) const {
  if (options_.include.empty()) return true;
  const std::string text(path);
  return std::ranges::any_of(options_.include, [&](const std::string& glob) {
    return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
  });
}

bool Selection::Has(const ListedFile& listed, std::optional<std::size_t> present) const {
  if (!Includes(listed.path) && !(present && Includes(copy_.Entry(*present).path))) return false;
  return InPart(present.value_or(copy_.Size()));
}

bool Selection::HasPresent(std::size_t p) const {
  return Includes(copy_.Entry(p).path) && InPart(p);
}

std::string_view Selection::KeyOf(std::size_t p) const { return copy_.Entry(RootOf(p)).path; }

std::size_t Selection::RootOf(std::size_t node) const {
  while (parent_[node] != node) {
    parent_[node] = parent_[parent_[node]];
    node = parent_[node];
  }
  return node;
}

void Selection::Unite(std::size_t a, std::size_t b) {
  a = RootOf(a);
  b = RootOf(b);
  parent_[std::max(a, b)] = std::min(a, b);
}

void Selection::Bind(std::span<const Source> sources, const std::vector<bool>& is_source) {
  parent_.resize(copy_.Size() + 1);
  std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  const std::vector<std::size_t> original = copy_.FindOriginals();
  for (std::size_t p = 0; p < original.size(); ++p) Unite(p, original[p]);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    // A sample goes by names alone: what has another one is not looked for.
    if (!options_.sample) BindMissing(sources[s], s, is_source);
    BindPieces(sources[s], s);
  }
}

void Selection::BindMissing(const Source& source, std::size_t s,
                            const std::vector<bool>& is_source) {
  std::vector<bool> matched(copy_.Size(), false);
  std::set<std::uint64_t> sizes;
  bool any_size = false;
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    const ListedFile& listed = source.files[i];
    auto present = match_[s][i];
    if (!present) present = FindUnfinished(listed.path, copy_.Listing());
    if (present) {
      matched[*present] = true;
    } else if (listed.size) {
      sizes.insert(*listed.size);
    } else {
      any_size = true;
    }
  }
  for (std::size_t p = 0; p < copy_.Size(); ++p) {
    if (matched[p] || is_source[p]) continue;
    if (any_size || sizes.contains(copy_.Entry(p).size)) Unite(p, copy_.Size());
  }
}

void Selection::BindPieces(const Source& source, std::size_t s) {
  for (const PieceList& list : source.pieces) {
    std::optional<std::size_t> first;
    for (const PieceSpan& span : list.spans) {
      if (span.holder != PieceSpan::Holder::kFile || !match_[s][span.file]) continue;
      const std::size_t p = *match_[s][span.file];
      if (first) Unite(*first, p);
      first = p;
    }
  }
}

void Selection::Divide(const Part& part, std::span<const Source> sources,
                       const std::vector<bool>& is_source) {
  std::vector<bool> read(copy_.Size(), false);
  for (std::size_t p = 0; p < copy_.Size(); ++p) read[p] = Includes(copy_.Entry(p).path);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (std::size_t i = 0; i < match_[s].size(); ++i) {
      if (match_[s][i] && Includes(sources[s].files[i].path)) read[*match_[s][i]] = true;
    }
  }
  std::vector<std::uint64_t> bytes(parent_.size(), 0);
  for (std::size_t p = 0; p < copy_.Size(); ++p) {
    if (read[p] && !is_source[p]) bytes[RootOf(p)] += copy_.Entry(p).size;
  }
  std::vector<WorkItem> items;
  std::vector<std::size_t> roots;
  for (std::size_t node = 0; node < parent_.size(); ++node) {
    if (RootOf(node) != node) continue;
    const bool missing = node == copy_.Size();
    items.push_back({missing ? std::string_view() : copy_.Entry(node).path, bytes[node]});
    roots.push_back(node);
  }
  const std::vector<std::uint64_t> parts = DivideWork(items, part.count);
  in_part_.assign(parent_.size(), false);
  for (std::size_t i = 0; i < roots.size(); ++i) in_part_[roots[i]] = parts[i] == part.index;
}

}  // namespace hallmark
