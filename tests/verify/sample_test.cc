#include "verify/sample.h"

#include <cmath>

#include "src/hash/hasher.h"
#include "src/hash/tree.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;

TEST(Sample, TakesSharesAndSubsets) {
  for (const char* text : {"5%", "0.0001%", "99.9999%", "12.5%", "1/2", "7/7", "1/1000000"}) {
    EXPECT_TRUE(Sample::Parse(text, "")) << text;
  }
  for (const char* text : {"", "%", "5", "0%", "0.0000%", "100%", "5.%", "5.12345%", "-5%", "1/1",
                           "0/2", "3/2", "1/1000001", "/2", "1/", "5 %"}) {
    EXPECT_FALSE(Sample::Parse(text, "")) << text;
  }
}

TEST(Sample, DrawsAboutTheShareAndTheSameAgain) {
  const Sample sample = *Sample::Parse("10%", "seed");
  const Sample other = *Sample::Parse("10%", "another");
  int taken = 0, both = 0;
  for (std::uint64_t piece = 0; piece < 10'000; ++piece) {
    const bool takes = sample.Takes("model.safetensors", piece);
    EXPECT_EQ(takes, sample.Takes("model.safetensors", piece));
    taken += takes;
    both += takes && other.Takes("model.safetensors", piece);
  }
  // Binomial: 1000 ± 30 and 100 ± 10; five times that.
  EXPECT_NEAR(taken, 1000, 150);
  EXPECT_NEAR(both, 100, 50);
}

TEST(Sample, SubsetsHoldEveryPieceOnce) {
  for (std::uint64_t piece = 0; piece < 1000; ++piece) {
    int taken = 0;
    for (const char* text : {"1/3", "2/3", "3/3"})
      taken += Sample::Parse(text, "s")->Takes("f", piece);
    EXPECT_EQ(taken, 1);
  }
}

// The least k for which 1 - (1 - share)^k reaches 95 %.
TEST(Sample, SaysHowMuchDamageItWouldFind) {
  EXPECT_EQ(Sample::Parse("5%", "")->LikelyFound(), 59u);  // 0.95^58 = 0.0510, 0.95^59 = 0.0485
  EXPECT_EQ(Sample::Parse("50%", "")->LikelyFound(), 5u);  // 2^-4 = 0.0625, 2^-5 = 0.031
  EXPECT_EQ(Sample::Parse("1/2", "")->LikelyFound(), 5u);
  EXPECT_EQ(Sample::Parse("1%", "")->LikelyFound(), 299u);  // 0.99^298 = 0.05004
}

TEST(CheckSampledPieces, FindsDamageInThePiecesItDraws) {
  const TemporaryFolder folder;
  std::string bytes(3 * kSubRootSpan + 1000, 'x');
  for (std::size_t i = 0; i < bytes.size(); i += 5000) bytes[i] = static_cast<char>(i / 5000);
  folder.Write("f", bytes);
  TreeHasher hasher;
  hasher.Update(AsBytes(bytes));
  auto tree = hasher.Finish();
  const ManifestFile listed{"f", bytes.size(), {tree.root}, tree.sub_roots};
  // All but a millionth.
  const Sample most = *Sample::Parse("99.9999%", "");

  const auto good = CheckSampledPieces(folder.Path() / "f", listed, most, {});
  ASSERT_TRUE(Ok(good));
  EXPECT_EQ(good->pieces, 4u);
  EXPECT_EQ(good->bytes, bytes.size());
  EXPECT_EQ(CountSampledBytes(listed, most), bytes.size());
  EXPECT_TRUE(good->bad.empty());

  bytes[kSubRootSpan + 5] ^= 1;
  bytes[2 * kSubRootSpan + 5] ^= 1;
  folder.Write("f", bytes);
  const auto bad = CheckSampledPieces(folder.Path() / "f", listed, most, {});
  ASSERT_TRUE(Ok(bad));
  EXPECT_THAT(bad->bad, ElementsAre(ByteRange{kSubRootSpan, 2 * kSubRootSpan}));

  const auto none =
      CheckSampledPieces(folder.Path() / "f", listed, *Sample::Parse("0.0001%", ""), {});
  ASSERT_TRUE(Ok(none));
  EXPECT_EQ(none->pieces, 0u);
  EXPECT_EQ(none->all_pieces, 4u);

  folder.Write("f", "short");
  EXPECT_EQ(CheckSampledPieces(folder.Path() / "f", listed, most, {}).error().code, Errc::kIo);
}

}  // namespace
}  // namespace hallmark
