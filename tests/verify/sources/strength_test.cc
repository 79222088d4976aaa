// What a listed digest is worth against somebody who wants to deceive.
#include "tests/support/test_support.h"
#include "verify/sources/source.h"

namespace hallmark {
namespace {

ListedFile With(std::string_view digest, std::optional<std::uint64_t> size) {
  ListedFile file;
  file.size = size;
  file.digests.push_back({*Digest::Parse(digest)});
  return file;
}

TEST(ResistsAttackers, ATreeRootOnlyTogetherWithTheSize) {
  const std::string root = "tree:" + std::string(64, 'a');
  EXPECT_FALSE(ResistsAttackers(With(root, std::nullopt)));
  EXPECT_TRUE(ResistsAttackers(With(root, 64)));
}

TEST(ResistsAttackers, Sha256DoesAndMd5DoesNotWhateverTheSize) {
  EXPECT_TRUE(ResistsAttackers(With("sha256:" + std::string(64, 'a'), std::nullopt)));
  EXPECT_FALSE(ResistsAttackers(With("md5:" + std::string(32, 'a'), 64)));
  EXPECT_FALSE(ResistsAttackers(ListedFile{}));
}

}  // namespace
}  // namespace hallmark
