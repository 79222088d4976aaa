#include "verify/repair/solve_span.h"

#include "src/hash/hash_sources.h"
#include "src/hash/tree.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string Numbers(std::size_t size) {
  std::string text(size, 0);
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

std::string With(std::string text, std::size_t at, std::string_view other) {
  return text.replace(at, other.size(), other);
}

Offer All(std::string_view text) { return OfferAll("", TestFile(text)); }
Offer Part(std::string_view text, std::vector<ByteRange> covered) {
  return {"", TestFile(text), std::move(covered)};
}

CheckedSpan WholeSpan(std::string_view text, Algorithm algorithm = Algorithm::kSha256) {
  return {{{0, {0, text.size()}}}, HashBytes(algorithm, AsBytes(text))};
}

// What the file is with what was chosen.
std::string Mended(std::string file, std::size_t size, const Offers& offers,
                   const std::vector<ChosenBytes>& chosen) {
  file.resize(size);
  for (const ChosenBytes& bytes : chosen) {
    std::vector<std::byte> buffer(bytes.range.size);
    EXPECT_TRUE(Ok(offers[bytes.offer].bytes->Read(bytes.range.offset, buffer)));
    file.replace(bytes.range.offset, bytes.range.size, AsText(buffer));
  }
  return file;
}

class SolvesSpan : public testing::Test {
 protected:
  void Expect(const std::string& ours, Offers others) {
    Offers offers = {All(ours)};
    for (Offer& other : others) offers.push_back(std::move(other));
    const std::vector<Offers> by_file = {offers};
    const auto chosen = SolveSpan(WholeSpan(right_), by_file, false, Task{});
    ASSERT_TRUE(Ok(chosen));
    ASSERT_TRUE(chosen->has_value());
    EXPECT_EQ(Mended(ours, right_.size(), offers, **chosen), right_);
    chosen_ = **chosen;
  }

  const std::string right_ = Numbers(700'000);
  std::vector<ChosenBytes> chosen_;
};

TEST_F(SolvesSpan, ThatIsRightAlready) {
  Expect(right_, {});
  EXPECT_TRUE(chosen_.empty());
}

TEST_F(SolvesSpan, FromOneOtherAndTakesOnlyWhatDiffers) {
  Expect(With(With(right_, 5, "xxxx"), 400'000, "yy"), {All(right_)});
  ASSERT_EQ(chosen_.size(), 2u);
  EXPECT_EQ(chosen_[1].range, (ByteRange{400'000, 2}));
}

TEST_F(SolvesSpan, OfACutFileFromOthersThatAreCutElsewhere) {
  Expect(right_.substr(0, 300'000),
         {All(right_.substr(0, 500'000)), Part(right_, {{450'000, 250'000}})});
}

TEST_F(SolvesSpan, WhereEachIsWrongSomewhere) {
  Expect(With(right_, 1000, "ours"), {All(With(right_, 600'000, "first"))});
  Expect(With(right_, 1000, "ours"),
         {All(With(right_, 600'000, "first")), All(With(right_, 300'000, "second"))});
  EXPECT_EQ(chosen_.size(), 1u);
}

TEST_F(SolvesSpan, WhereAllAreWrongSideBySide) {
  Expect(With(right_, 1000, "ours"), {All(With(right_, 1010, "first"))});
  Expect(With(right_, 1000, "ours"),
         {All(With(right_, 1004, "first")), All(With(right_, 1009, "second"))});
}

TEST_F(SolvesSpan, ByWhatMostHaveWhereDamageIsMuch) {
  std::string ours = right_, first = right_, second = right_;
  for (std::size_t i = 0; i < 600; ++i) {
    ours = With(std::move(ours), i * 770, "ours!");
    first = With(std::move(first), i * 770 + 200, "first");
    second = With(std::move(second), i * 770 + 400, "second");
  }
  Expect(ours, {All(first), All(second)});
}

TEST_F(SolvesSpan, NotWhereNobodyHasTheBytes) {
  for (const auto& offers :
       {Offers{All(With(right_, 7, "ours")), All(With(right_, 7, "also"))},
        Offers{All(right_.substr(0, 699'999)), All(right_.substr(0, 600'000))},
        Offers{All(Numbers(5)), All(std::string(700'000, 'x'))}, Offers{{"", nullptr, {}}}}) {
    const std::vector<Offers> by_file = {offers};
    const auto chosen = SolveSpan(WholeSpan(right_), by_file, false, Task{});
    ASSERT_TRUE(Ok(chosen));
    EXPECT_FALSE(chosen->has_value());
  }
}

TEST_F(SolvesSpan, WithEveryAlgorithm) {
  const std::string ours = With(right_, 1000, "ours"), first = With(right_, 600'000, "first");
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    if (!CoversWholeFile(info.algorithm)) continue;
    const std::vector<Offers> by_file = {{All(ours), All(first)}};
    const auto chosen = SolveSpan(WholeSpan(right_, info.algorithm), by_file, true, Task{});
    ASSERT_TRUE(Ok(chosen));
    ASSERT_TRUE(chosen->has_value()) << info.name;
    EXPECT_EQ(Mended(ours, right_.size(), by_file[0], **chosen), right_) << info.name;
  }
}

// The pieces of a manifest, of which the last is padded, and pieces across files.
TEST(CheckedSpan, HasTheDigestsOfSubtreesAndOfFilesLaidEndToEnd) {
  const std::string text = Numbers(9'000'000);
  const auto file = TestFile(text);
  const HashRequest request{file.get(), {Algorithm::kTree}};
  HashOutcome outcome;
  ASSERT_TRUE(Ok(HashSources({&request, 1}, Task{}, [&](std::size_t, Result<HashOutcome> hashed) {
    if (hashed) outcome = *std::move(hashed);
    return Result<void>();
  })));
  Source source;
  source.files.push_back({"f", text.size(), {}});
  source.manifest.emplace().files.push_back({"f", text.size(), {}, outcome.sub_roots});
  const auto spans = SpansOfTree(source, 0, 0);
  ASSERT_EQ(spans.size(), 3u);
  const std::vector<Offers> by_file = {{All(text)}};
  for (const CheckedSpan& span : spans) {
    EXPECT_EQ(HasDigest(span, by_file, Task{}), true);
    const std::vector<Offers> wrong = {{All(With(text, span.segments[0].range.End() - 1, "!"))}};
    EXPECT_EQ(HasDigest(span, wrong, Task{}), false);
  }
  // Higher subtrees, as torrents of large pieces have them, and lower ones.
  for (const unsigned height : {0u, 3u, 8u, 9u, 10u, 12u}) {
    CheckedSpan span{{{0, {0, std::min<std::uint64_t>(text.size(), kTreeBlock << height)}}},
                     HashBytes(Algorithm::kTree, {})};
    span.subtree_height = height;
    std::vector<TreeNode> leaves(CountLeaves(span.Size()));
    HashLeaves(AsBytes(text).first(span.Size()), leaves);
    span.digest = Digest(Algorithm::kTree, SubtreeRoot(leaves, 0, height));
    EXPECT_EQ(HasDigest(span, by_file, Task{}), true) << height;
  }

  const std::string a = Numbers(100), b = Numbers(30), all = a + std::string(28, '\0') + b;
  Source pieces;
  pieces.files = {{"a", 100, {}}, {"b", 30, {}}};
  PieceList& list = pieces.pieces.emplace_back();
  list.algorithm = Algorithm::kSha1;
  list.piece_bytes = 64;
  for (std::size_t at = 0; at < all.size(); at += 64) {
    const Digest digest = HashBytes(Algorithm::kSha1, AsBytes(all.substr(at, 64)));
    list.digests.insert(list.digests.end(), digest.Bytes().begin(), digest.Bytes().end());
  }
  list.spans = {{PieceSpan::Holder::kFile, 0, 100},
                {PieceSpan::Holder::kZeros, 0, 28},
                {PieceSpan::Holder::kFile, 1, 30}};
  EXPECT_EQ(FindPieces(pieces, 1), &list);
  const std::optional<std::size_t> both[] = {0, 1};
  EXPECT_EQ(SpansOfPieces(list, both, {0}).size(), 2u);
  EXPECT_EQ(SpansOfPieces(list, both, {1}).size(), 1u);
  const std::vector<Offers> files = {{All(a)}, {All(b)}};
  const auto both_files = SpansOfPieces(list, both, {0, 1});
  EXPECT_EQ(both_files.size(), 3u);
  for (const CheckedSpan& span : both_files) EXPECT_EQ(HasDigest(span, files, Task{}), true);
  // A piece that reaches into a file nobody speaks of proves nothing.
  list.spans[2].holder = PieceSpan::Holder::kElsewhere;
  list.spans[1].bytes = 20;
  EXPECT_EQ(SpansOfPieces(list, both, {0}).size(), 1u);
}

}  // namespace
}  // namespace hallmark
