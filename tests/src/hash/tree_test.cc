#include "src/hash/tree.h"

#include <bit>

#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "tests/src/hash/sample_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

TreeNode Sha256(ByteSpan bytes) {
  const Digest digest = HashBytes(Algorithm::kSha256, bytes);
  TreeNode node;
  std::copy(digest.Bytes().begin(), digest.Bytes().end(), node.begin());
  return node;
}

// Straight from BEP 52: all leaves, zero leaves up to `width`, then level by level.
std::vector<TreeNode> LeavesOf(ByteSpan bytes) {
  std::vector<TreeNode> leaves;
  for (std::size_t at = 0; at < bytes.size(); at += kTreeBlock) {
    leaves.push_back(
        Sha256(bytes.subspan(at, std::min<std::size_t>(kTreeBlock, bytes.size() - at))));
  }
  return leaves;
}

std::vector<TreeNode> LevelAbove(const std::vector<TreeNode>& level) {
  std::vector<TreeNode> parents;
  for (std::size_t i = 0; i < level.size(); i += 2) {
    parents.push_back(Sha256(std::as_bytes(std::span(level).subspan(i, 2))));
  }
  return parents;
}

struct Expected {
  TreeNode root{};
  std::vector<TreeNode> piece_layer;  // of 4 MiB pieces; without pieces that are all padding
};

Expected TreeByDefinition(ByteSpan bytes) {
  Expected expected;
  std::vector<TreeNode> level = LeavesOf(bytes);
  if (level.empty()) return expected;
  while (!std::has_single_bit(level.size())) level.push_back(TreeNode{});
  for (int height = 0; level.size() > 1; ++height) {
    if (height == 8) expected.piece_layer = level;
    level = LevelAbove(level);
  }
  expected.root = level.front();
  if (!expected.piece_layer.empty()) {
    expected.piece_layer.resize((bytes.size() + 4 * kMiB - 1) / (4 * kMiB));
  }
  return expected;
}

TEST(Tree, GivesTheVectorsOfItsDefinition) {
  // docs/identity.md, "Vectors".
  const std::pair<std::size_t, std::string_view> vectors[] = {
      {0, "0000000000000000000000000000000000000000000000000000000000000000"},
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {16384, "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c"},
      {16385, "9d7887c65d577a0237fb3c0998b87b3a62762d03796889a2caea01db914ccbb8"},
      {65537, "27e4ccf8e3d554bfce504235da1292c2c8beb24ba5b3e1cd62f41bd692517fbe"},
  };
  for (const auto& [size, hex] : vectors) {
    EXPECT_EQ(HashBytes(Algorithm::kTree, SampleBytes(size)).Hex(), hex) << size;
  }
}

TEST(Tree, RootAndSubRootsFollowBep52) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{16383}, std::size_t{16384}, std::size_t{16385},
        3 * kTreeBlock, 5 * kTreeBlock + 7, kMiB, kMiB + 1, 4 * kMiB - 1, 4 * kMiB, 4 * kMiB + 1,
        8 * kMiB, 9 * kMiB, 12 * kMiB + 16385}) {
    const std::vector<std::byte> bytes = SampleBytes(size);
    const Expected expected = TreeByDefinition(bytes);

    TreeHasher hasher;
    hasher.Update(bytes);
    const TreeHasher::Tree tree = hasher.Finish();

    EXPECT_EQ(tree.root.Hex(), ToHex(expected.root)) << size;
    EXPECT_EQ(tree.sub_roots, expected.piece_layer) << size;
    if (size > 4 * kMiB) {
      EXPECT_EQ(TreeRoot(tree.sub_roots, kSubRootHeight), expected.root) << size;
    }
  }
}

TEST(Tree, PiecesOfAnySizeGiveTheSameTree) {
  const std::vector<std::byte> bytes = SampleBytes(9 * kMiB + 100);
  const Expected expected = TreeByDefinition(bytes);
  for (const std::size_t piece :
       {std::size_t{1000}, std::size_t{16384}, std::size_t{20000}, kMiB + 1, 5 * kMiB}) {
    TreeHasher hasher;
    for (ByteSpan rest = bytes; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
      hasher.Update(rest.first(std::min(piece, rest.size())));
    }
    const TreeHasher::Tree tree = hasher.Finish();
    EXPECT_EQ(tree.root.Hex(), ToHex(expected.root)) << piece;
    EXPECT_EQ(tree.sub_roots, expected.piece_layer) << piece;
  }
}

TEST(TreeRoot, PadsToTheNextPowerOfTwoOnly) {
  const std::vector<TreeNode> nodes = LeavesOf(SampleBytes(5 * kTreeBlock));
  EXPECT_EQ(TreeRoot({}, 3), TreeNode{});
  EXPECT_EQ(TreeRoot(std::span(nodes).first(1), 5), nodes[0]);
  EXPECT_EQ(TreeRoot(std::span(nodes).first(2), 0), LevelAbove({nodes[0], nodes[1]})[0]);

  // At height 1 the padding is the parent of two zero leaves.
  const TreeNode zero_pair = LevelAbove({TreeNode{}, TreeNode{}})[0];
  EXPECT_EQ(TreeRoot(std::span(nodes).first(3), 1),
            LevelAbove(LevelAbove({nodes[0], nodes[1], nodes[2], zero_pair}))[0]);
}

TEST(SubtreeRoot, PadsUpToTheHeightAskedFor) {
  const TreeNode leaf = Sha256(AsBytes("x"));
  const TreeNode zero_pair = LevelAbove({TreeNode{}, TreeNode{}})[0];
  const TreeNode pair = LevelAbove({leaf, TreeNode{}})[0];
  EXPECT_EQ(SubtreeRoot({&leaf, 1}, 0, 0), leaf);
  EXPECT_EQ(SubtreeRoot({&leaf, 1}, 0, 1), pair);
  EXPECT_EQ(SubtreeRoot({&leaf, 1}, 0, 2), LevelAbove({pair, zero_pair})[0]);
  EXPECT_EQ(SubtreeRoot({}, 0, 1), zero_pair);
}

TEST(HashLeaves, EveryCountAndAShortLastBlock) {
  const std::vector<std::byte> bytes = SampleBytes(11 * kTreeBlock + 5000);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kTreeBlock, 2 * kTreeBlock, 3 * kTreeBlock, 4 * kTreeBlock,
        5 * kTreeBlock + 1, 7 * kTreeBlock - 1, 11 * kTreeBlock + 5000}) {
    const ByteSpan part = ByteSpan(bytes).first(size);
    std::vector<TreeNode> leaves(CountLeaves(size));
    HashLeaves(part, leaves);
    EXPECT_EQ(leaves, LeavesOf(part)) << size;
  }
}

}  // namespace
}  // namespace hallmark
