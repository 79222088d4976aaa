#include "verify/repair/checked_span.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "src/base/error.h"
#include "src/hash/tree.h"

namespace hallmark {
namespace {

// The node of the tree over the bytes, `height` levels above the leaves.
class SubtreeHasher final : public Hasher {
 public:
  explicit SubtreeHasher(unsigned height) : height_(height) {}

  void Update(ByteSpan bytes) override {
    if (!open_.empty()) {
      const std::size_t n = std::min<std::size_t>(bytes.size(), kTreeBlock - open_.size());
      open_.insert(open_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      if (open_.size() < kTreeBlock) return;
      AddLeaves(open_);
      open_.clear();
    }
    const std::size_t whole = bytes.size() - bytes.size() % kTreeBlock;
    AddLeaves(bytes.first(whole));
    open_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
  }

  Digest Finish() override {
    AddLeaves(open_);
    open_.clear();
    if (height_ <= kSubRootHeight) {
      return Digest(Algorithm::kTree, SubtreeRoot(leaves_, 0, height_));
    }
    if (!leaves_.empty()) nodes_.push_back(SubtreeRoot(leaves_, 0, kSubRootHeight));
    return Digest(Algorithm::kTree, SubtreeRoot(nodes_, kSubRootHeight, height_));
  }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<SubtreeHasher>(*this); }

 private:
  void AddLeaves(ByteSpan bytes) {
    const std::size_t before = leaves_.size();
    leaves_.resize(before + static_cast<std::size_t>(CountLeaves(bytes.size())));
    HashLeaves(bytes, std::span(leaves_).subspan(before));
    // Whole groups of leaves become a node each, so that little has to be kept.
    std::size_t done = 0;
    for (; height_ > kSubRootHeight && leaves_.size() - done >= kGroup; done += kGroup) {
      nodes_.push_back(SubtreeRoot(std::span(leaves_).subspan(done, kGroup), 0, kSubRootHeight));
    }
    leaves_.erase(leaves_.begin(), leaves_.begin() + static_cast<std::ptrdiff_t>(done));
  }

  static constexpr std::size_t kGroup = std::size_t{1} << kSubRootHeight;

  unsigned height_;
  std::vector<std::byte> open_;   // less than a leaf
  std::vector<TreeNode> nodes_;   // of whole groups of leaves, in high subtrees
  std::vector<TreeNode> leaves_;  // those after them
};

// What is worth more as proof comes first; among equals the tree, which all cores can reckon.
int WorthOf(const Digest& digest) {
  const AlgorithmInfo& info = InfoOf(digest.GetAlgorithm());
  if (!CoversWholeFile(digest.GetAlgorithm())) return -1;
  return static_cast<int>(info.digest_bytes) + (info.resists_attackers ? 1000 : 0) +
         (digest.GetAlgorithm() == Algorithm::kTree ? 100 : 0);
}

std::vector<CheckedSpan> SpansOfLayer(const TreeLayer& layer, std::uint64_t size,
                                      std::size_t file) {
  std::vector<CheckedSpan> spans;
  const auto height = static_cast<unsigned>(std::countr_zero(layer.piece_bytes / kTreeBlock));
  std::uint64_t offset = 0;
  for (const TreeNode& node : layer.nodes) {
    const std::uint64_t n = std::min(layer.piece_bytes, size - offset);
    spans.push_back({{{file, {offset, n}}}, Digest(Algorithm::kTree, node), height});
    offset += n;
  }
  return spans;
}

}  // namespace

std::vector<CheckedSpan> SpansOfPieces(const PieceList& list,
                                       std::span<const std::optional<std::size_t>> files,
                                       const std::set<std::size_t>& wanted) {
  std::vector<CheckedSpan> spans;
  const std::size_t digest_bytes = InfoOf(list.algorithm).digest_bytes;
  std::size_t s = 0;
  std::uint64_t in_span = 0;
  for (std::size_t piece = 0; piece < list.digests.size() / digest_bytes; ++piece) {
    CheckedSpan span{
        {},
        Digest(list.algorithm, ByteSpan(list.digests).subspan(piece * digest_bytes, digest_bytes))};
    bool is_wanted = false, is_known = true;
    std::uint64_t left = list.piece_bytes;
    while (left > 0 && s < list.spans.size()) {
      const PieceSpan& from = list.spans[s];
      const std::uint64_t n = std::min(left, from.bytes - in_span);
      if (n > 0 && from.holder == PieceSpan::Holder::kZeros) {
        span.segments.push_back({std::nullopt, {0, n}});
      } else if (n > 0 && from.holder == PieceSpan::Holder::kFile && files[from.file]) {
        span.segments.push_back({files[from.file], {in_span, n}});
        is_wanted = is_wanted || wanted.contains(*files[from.file]);
      } else if (n > 0) {
        is_known = false;
      }
      left -= n;
      in_span += n;
      if (in_span == from.bytes) {
        ++s;
        in_span = 0;
      }
    }
    if (is_wanted && is_known) spans.push_back(std::move(span));
  }
  return spans;
}

std::uint64_t CheckedSpan::Size() const {
  std::uint64_t size = 0;
  for (const Segment& segment : segments) size += segment.range.size;
  return size;
}

std::unique_ptr<Hasher> MakeSpanHasher(const CheckedSpan& span) {
  if (span.subtree_height) return std::make_unique<SubtreeHasher>(*span.subtree_height);
  return MakeHasher(span.digest.GetAlgorithm(), span.Size());
}

std::vector<CheckedSpan> SpansOfTree(const Source& source, std::size_t listed, std::size_t index) {
  const ListedFile& file = source.files[listed];
  if (const ManifestFile* known = FindInManifest(source, file.path);
      known != nullptr && !known->sub_roots.empty()) {
    return SpansOfLayer({kSubRootSpan, known->sub_roots}, known->size, index);
  }
  if (file.layer != nullptr) return SpansOfLayer(*file.layer, *file.size, index);
  return {};
}

const PieceList* FindPieces(const Source& source, std::size_t listed) {
  const auto holds = [&](const PieceList& list) {
    return std::ranges::any_of(list.spans, [&](const PieceSpan& span) {
      return span.holder == PieceSpan::Holder::kFile && span.file == listed && span.bytes > 0;
    });
  };
  const auto found = std::ranges::find_if(source.pieces, holds);
  return found != source.pieces.end() ? &*found : nullptr;
}

CheckedSpan WholeFile(std::span<const Digest> digests, std::size_t index, std::uint64_t size) {
  const auto best = std::ranges::max_element(digests, {}, WorthOf);
  HM_CHECK(best != digests.end());
  return {{{index, {0, size}}}, *best};
}

}  // namespace hallmark
