#include "src/hash/tree.h"

#include <algorithm>
#include <bit>

#include "src/base/error.h"
#include "src/hash/block_kernels.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

static_assert(kSubRootSpan == kTreeBlock << kSubRootHeight);

// nodes[i] = SHA-256 of the `message_bytes` bytes, whole blocks, at messages + i * message_bytes.
void HashNodes(const std::byte* messages, std::size_t message_bytes, std::span<TreeNode> nodes) {
  constexpr auto kFunction = BlockFunction::kSha256;
  const BlockPadding padding = PaddingAfter(kFunction, message_bytes);
  const std::size_t most = StreamsTogether(kFunction, kMostStreams, 1);
  // Whole groups of what the kernel works on at once, which may be more than is best given to it.
  const std::size_t group = std::min(most, FastestKernel(kFunction, most).streams);
  const std::size_t together = most - most % group;
  std::array<BlockState, kMostStreams> states;
  std::array<const std::byte*, kMostStreams> data;
  while (!nodes.empty()) {
    // Groups as large as the fastest kernel wants them; of what is left over, no single one.
    std::size_t count = std::min(together, nodes.size());
    if (nodes.size() > together && nodes.size() < 2 * together) count = (nodes.size() + 1) / 2;
    const std::span<BlockState> used = std::span(states).first(count);
    for (std::size_t i = 0; i < count; ++i) {
      states[i] = InitialState(kFunction);
      data[i] = messages + i * message_bytes;
    }
    const BlockKernel& kernel = FastestKernel(kFunction, count);
    kernel.advance(used, data.data(), message_bytes / kBlockBytes);
    data.fill(padding.bytes.data());
    kernel.advance(used, data.data(), padding.size / kBlockBytes);
    for (std::size_t i = 0; i < count; ++i) {
      StoreDigest(kFunction, states[i], nodes[i].data());
    }
    nodes = nodes.subspan(count);
    messages += count * message_bytes;
  }
}

// Roots of subtrees that hold nothing but zero leaves, by height.
const TreeNode& ZeroRoot(unsigned height) {
  static const auto roots = [] {
    std::array<TreeNode, 65> table{};
    for (std::size_t i = 1; i < table.size(); ++i) {
      const std::array<TreeNode, 2> pair = {table[i - 1], table[i - 1]};
      HashNodes(pair[0].data(), sizeof pair, {&table[i], 1});
    }
    return table;
  }();
  HM_CHECK(height < roots.size());
  return roots[height];
}

}  // namespace

std::uint64_t CountLeaves(std::uint64_t size) {
  return size / kTreeBlock + (size % kTreeBlock != 0 ? 1 : 0);
}

void HashLeaves(ByteSpan bytes, std::span<TreeNode> leaves) {
  HM_CHECK(leaves.size() == CountLeaves(bytes.size()));
  const std::size_t whole = bytes.size() / kTreeBlock;
  HashNodes(bytes.data(), kTreeBlock, leaves.first(whole));
  if (whole < leaves.size()) {
    const Digest last = HashBytes(Algorithm::kSha256, bytes.subspan(whole * kTreeBlock));
    std::ranges::copy(last.Bytes(), leaves[whole].begin());
  }
}

TreeNode SubtreeRoot(std::span<const TreeNode> nodes, unsigned height, unsigned root_height) {
  HM_CHECK(height <= root_height && root_height <= 64);
  HM_CHECK(root_height - height == 64 || nodes.size() <= std::uint64_t{1}
                                                             << (root_height - height));
  if (nodes.empty()) return ZeroRoot(root_height);
  std::vector<TreeNode> level(nodes.begin(), nodes.end());
  std::vector<TreeNode> parents;
  for (; height < root_height; ++height) {
    if (level.size() % 2 != 0) level.push_back(ZeroRoot(height));
    parents.resize(level.size() / 2);
    HashNodes(level.front().data(), 2 * sizeof(TreeNode), parents);
    std::swap(level, parents);
  }
  return level.front();
}

TreeNode TreeRoot(std::span<const TreeNode> nodes, unsigned height) {
  if (nodes.empty()) return TreeNode{};
  return SubtreeRoot(nodes, height, height + std::bit_width(nodes.size() - 1));
}

void TreeHasher::Update(ByteSpan bytes) {
  if (!pending_.empty()) {
    const std::size_t missing = std::min<std::size_t>(kTreeBlock - pending_.size(), bytes.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + missing);
    bytes = bytes.subspan(missing);
    if (pending_.size() < kTreeBlock) return;
    Drain(pending_);
    pending_.clear();
  }
  const std::size_t rest = bytes.size() % kTreeBlock;
  Drain(bytes.first(bytes.size() - rest));
  pending_.assign(bytes.end() - static_cast<std::ptrdiff_t>(rest), bytes.end());
}

// Whole blocks, except that the last call may end in a shorter one.
void TreeHasher::Drain(ByteSpan blocks) {
  while (!blocks.empty()) {
    const std::size_t room = kSubRootSpan - leaves_.size() * kTreeBlock;
    const ByteSpan part = blocks.first(std::min(room, blocks.size()));
    const std::size_t before = leaves_.size();
    leaves_.resize(before + CountLeaves(part.size()));
    HashLeaves(part, std::span(leaves_).subspan(before));
    blocks = blocks.subspan(part.size());
    if (leaves_.size() == kSubRootSpan / kTreeBlock) {
      sub_roots_.push_back(TreeRoot(leaves_, 0));
      leaves_.clear();
    }
  }
}

TreeHasher::Tree TreeHasher::Finish() {
  Drain(pending_);
  pending_.clear();
  if (sub_roots_.empty()) return {Digest(Algorithm::kTree, TreeRoot(leaves_, 0)), {}};
  if (!leaves_.empty()) sub_roots_.push_back(SubtreeRoot(leaves_, 0, kSubRootHeight));
  Tree tree{Digest(Algorithm::kTree, TreeRoot(sub_roots_, kSubRootHeight)), std::move(sub_roots_)};
  if (tree.sub_roots.size() == 1) tree.sub_roots.clear();
  return tree;
}

}  // namespace hallmark
