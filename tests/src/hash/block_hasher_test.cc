// The oracle is OpenSSL, by another of its interfaces than the one in use.
#include "src/hash/block_hasher.h"

#include <openssl/evp.h>

#include <random>

#include "src/hash/block_kernels.h"
#include "src/hash/block_lanes.h"
#include "tests/src/hash/sample_bytes.h"
#include "tests/src/kernels/on_target.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::kMd5, Algorithm::kSha1, Algorithm::kSha256};

Digest Reference(Algorithm algorithm, ByteSpan bytes) {
  const EVP_MD* const method = algorithm == Algorithm::kMd5    ? EVP_md5()
                               : algorithm == Algorithm::kSha1 ? EVP_sha1()
                                                               : EVP_sha256();
  std::array<std::byte, EVP_MAX_MD_SIZE> out;
  unsigned size = 0;
  HM_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()),
                      &size, method, nullptr) == 1);
  return Digest(algorithm, ByteSpan(out).first(size));
}

void ExpectSameAsOpenssl(BlockFunction function, std::string_view name, AdvanceBlocks advance) {
  const BlockKernel& openssl = BlockKernels(function).front();
  ASSERT_EQ(openssl.name, "openssl");
  const std::vector<std::byte> bytes = SampleBytes(1 + 40 * 5 * kBlockBytes);
  for (std::size_t streams = 0; streams <= 40; ++streams) {
    for (const std::size_t blocks : {0u, 1u, 2u, 5u}) {
      std::vector<BlockState> states(streams);
      std::vector<const std::byte*> data(streams);
      for (std::size_t i = 0; i < streams; ++i) {
        states[i] = InitialState(function);
        states[i].words[i % 4] += static_cast<std::uint32_t>(i);  // no two alike
        // One byte off the natural alignment: bytes come from anywhere.
        data[i] = bytes.data() + 1 + i * blocks * kBlockBytes;
      }
      std::vector<BlockState> expected = states;
      openssl.advance(expected, data.data(), blocks);
      advance(states, data.data(), blocks);
      for (std::size_t i = 0; i < streams; ++i) {
        const auto used = static_cast<std::ptrdiff_t>(DigestBytes(function) / 4);
        EXPECT_TRUE(std::equal(states[i].words.begin(), states[i].words.begin() + used,
                               expected[i].words.begin()))
            << name << ": stream " << i << " of " << streams << ", " << blocks << " blocks";
      }
    }
  }
}

TEST(BlockKernels, AllGiveTheSameStates) {
  for (const Algorithm algorithm : kAlgorithms) {
    const BlockFunction function = *BlockFunctionOf(algorithm);
    for (const BlockKernel& kernel : BlockKernels(function)) {
      SCOPED_TRACE(InfoOf(algorithm).name);
      ExpectSameAsOpenssl(function, kernel.name, kernel.advance);
    }
  }
}

class BlockLanesOnTarget : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(BlockLanes, BlockLanesOnTarget, testing::ValuesIn(Targets()), TargetName);

TEST_P(BlockLanesOnTarget, GiveTheSameStates) {
  for (const Algorithm algorithm : kAlgorithms) {
    const BlockFunction function = *BlockFunctionOf(algorithm);
    for (const std::size_t lanes : {4u, 8u, 16u}) {
      const AdvanceBlocks advance = BlockLanes(function, lanes);
      if (advance == nullptr) continue;
      SCOPED_TRACE(InfoOf(algorithm).name);
      ExpectSameAsOpenssl(function, std::to_string(lanes) + " lanes", advance);
    }
  }
}

TEST(BlockKernels, TheFastestIsChosenOnceForEachNumberOfStreams) {
  for (const Algorithm algorithm : kAlgorithms) {
    const BlockFunction function = *BlockFunctionOf(algorithm);
    for (const std::size_t streams : {1u, 2u, 7u, 16u, 99u}) {
      EXPECT_EQ(&FastestKernel(function, streams), &FastestKernel(function, streams));
    }
    EXPECT_EQ(FastestKernel(function, 1).name, "openssl");
    EXPECT_EQ(StreamsTogether(function, 1, 2), 1u);
    for (const std::size_t streams : {2u, 5u, 99u}) {
      EXPECT_GE(StreamsTogether(function, streams, 2), 1u);
      EXPECT_LE(StreamsTogether(function, streams, 2), std::min(streams, kMostStreams));
    }
  }
}

TEST(BlockHasher, HashesAnyLength) {
  const std::vector<std::byte> bytes = SampleBytes(300);
  for (const Algorithm algorithm : kAlgorithms) {
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const ByteSpan part = ByteSpan(bytes).first(size);
      EXPECT_EQ(HashBytes(algorithm, part), Reference(algorithm, part)) << size;
    }
  }
}

// Streams of all lengths, in pieces that end anywhere, of which some run out before others.
TEST(BlockHasher, StreamsMoveTogetherHoweverTheyAreCut) {
  std::minstd_rand random(1);
  const std::vector<std::byte> bytes = SampleBytes(100'000);
  for (const Algorithm algorithm : kAlgorithms) {
    const BlockFunction function = *BlockFunctionOf(algorithm);
    for (std::size_t count = 0; count <= 2 * kMostStreams + 1; ++count) {
      std::vector<BlockHasher> hashers;
      for (std::size_t i = 0; i < count; ++i) hashers.emplace_back(algorithm, function);
      std::vector<BlockHasher*> pointers;
      std::vector<ByteSpan> wholes, left;
      for (BlockHasher& hasher : hashers) {
        pointers.push_back(&hasher);
        const std::size_t size = random() % 5 == 0 ? random() % 70 : random() % 5000;
        wholes.push_back(ByteSpan(bytes).subspan(random() % (bytes.size() - size), size));
      }
      left = wholes;
      while (!std::ranges::all_of(left, &ByteSpan::empty)) {
        std::vector<ByteSpan> pieces;
        for (ByteSpan& rest : left) {
          const std::size_t size = std::min<std::size_t>(rest.size(), random() % 1500);
          pieces.push_back(rest.first(size));
          rest = rest.subspan(size);
        }
        BlockHasher::UpdateTogether(function, pointers, pieces);
      }
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(hashers[i].Finish(), Reference(algorithm, wholes[i]))
            << InfoOf(algorithm).name << ", stream " << i << " of " << count << ", "
            << wholes[i].size() << " bytes";
      }
    }
  }
}

}  // namespace
}  // namespace hallmark
